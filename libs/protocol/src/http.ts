import { z } from 'zod';
import { blobRefSchema } from './assignment.js';
import { fingerprintSchema, runIdSchema, sha256Schema, siteIdSchema, studyIdSchema } from './identifiers.js';
import { problemSchema } from './problem.js';
import { recipeSchema } from './recipe.js';
import { recordedDocumentSchema } from './recorded-document.js';
import {
  assignmentStateSchema,
  pauseCauseSchema,
  roundStateSchema,
  runStateSchema,
  siteStateSchema,
} from './states.js';

const CLOCK_TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Largest JSON body in bytes that the coordinator reads. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024;

// ---- POST /v1/enrolment (anonymous: the one-time token is the credential)
export const enrolmentRequestSchema = z.strictObject({
  token: z.string().min(20, 'the whole token, as the invitation has it').max(200),
  /** Raw Ed25519 public key, 32 bytes, base64. */
  publicKey: z.base64().length(44),
  /** Ed25519 signature of `tributary-enrol:<token>` by that key, base64: proof of possession. */
  signature: z.base64().length(88),
});
export const enrolmentResponseSchema = z.object({
  siteId: siteIdSchema,
  studyId: studyIdSchema,
  fingerprint: fingerprintSchema,
  state: siteStateSchema,
});

// ---- POST /v1/auth/challenge, POST /v1/auth/token (anonymous: the signature is the credential)
export const challengeRequestSchema = z.strictObject({ siteId: siteIdSchema });
export const challengeResponseSchema = z.object({
  challenge: z.string(),
  serverTime: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export const tokenRequestSchema = z.strictObject({
  siteId: siteIdSchema,
  challenge: z.string().min(20).max(200),
  /** The site's clock; refused with AUTH_CLOCK_SKEW when it differs by more than MAX_CLOCK_SKEW_SECONDS. */
  siteTime: z.iso.datetime(),
  /** Ed25519 signature of `tributary-auth:<siteId>:<challenge>:<siteTime>`, base64. */
  signature: z.base64().length(88),
});
export const tokenResponseSchema = z.object({ accessToken: z.string(), expiresAt: z.iso.datetime() });
export const MAX_CLOCK_SKEW_SECONDS = 300;

// ---- GET /v1/whoami
export const whoamiSchema = z.object({ role: z.enum(['admin', 'researcher', 'site']), name: z.string() });

// ---- studies and sites (admin)
export const studyRequestSchema = z.strictObject({
  id: studyIdSchema,
  title: z.string().min(1).max(200),
  modality: z.string().min(1).max(40),
  classes: z.array(z.string().min(1).max(60)).min(1).max(1000),
  /** A class that sites are short of; scores and the report single it out. */
  scarceClasses: z.array(z.string()).default([]),
  image: z.strictObject({
    sizePx: z.int().min(8).max(256),
    channels: z.literal([1, 3], { error: '1 (grey) or 3 (colour)' }),
  }),
});
export const studySchema = studyRequestSchema.extend({ createdAt: z.iso.datetime() });
export type Study = z.infer<typeof studySchema>;
export const invitationRequestSchema = z.strictObject({ siteId: siteIdSchema });
export const invitationResponseSchema = z.object({
  siteId: siteIdSchema,
  token: z.string(),
  expiresAt: z.iso.datetime(),
});
/** Hours of a site's wall clock in which it may be asked to train; they may pass midnight. Null: at any time. */
export const trainingHoursSchema = z
  .strictObject({
    from: z.string('a time such as 20:00').regex(CLOCK_TIME, 'a time such as 20:00'),
    until: z.string('a time such as 06:30').regex(CLOCK_TIME, 'a time such as 06:30'),
    timeZone: z
      .string('an IANA time zone such as Europe/Berlin')
      .refine(isTimeZone, 'an IANA time zone such as Europe/Berlin'),
  })
  .refine(({ from, until }) => from !== until, { path: ['until'], message: 'another time than from' });
export type TrainingHours = z.infer<typeof trainingHoursSchema>;
export const trainingHoursRequestSchema = z.strictObject({ trainingHours: trainingHoursSchema.nullable() });
export const siteSchema = z.object({
  id: siteIdSchema,
  studies: z.array(studyIdSchema),
  state: siteStateSchema,
  fingerprint: fingerprintSchema,
  connected: z.boolean(),
  lastSeenAt: z.iso.datetime().nullable(),
  trainingHours: trainingHoursSchema.nullable(),
});
export type Site = z.infer<typeof siteSchema>;
export const approvalRequestSchema = z.strictObject({ fingerprint: fingerprintSchema });

// ---- runs
export const runRequestSchema = z.strictObject({
  studyId: studyIdSchema,
  recipe: recipeSchema,
  /** Until when sites may answer the recipe; absent: the coordinator's approval window from now. */
  approvalDeadlineAt: z.iso.datetime({ offset: true }).optional(),
});
export type RunRequest = z.infer<typeof runRequestSchema>;
export const scoresSchema = z.object({ fd: z.number(), kid: z.number() });
export const evaluationResultSchema = z.object({
  before: scoresSchema,
  after: scoresSchema,
  /** Shares of synthetic images (0..1) that a classifier built from the real images' moments puts where they were conditioned; and its own accuracy on real held-out images. */
  slabShare: z.number().min(0).max(1).nullable(),
  siteShare: z.number().min(0).max(1).nullable(),
  realClassShare: z.number().min(0).max(1).nullable(),
  realSiteShare: z.number().min(0).max(1).nullable(),
  /** Frechet distance of real training images to real held-out ones: what a perfect generator could reach. */
  realFd: z.number().optional(),
  /** Spread of the synthetic images over that of the held-out ones. */
  diversity: z.number().optional(),
  utility: z.unknown(),
  heldOutImages: z.int(),
  syntheticImages: z.int(),
});
export type EvaluationResult = z.infer<typeof evaluationResultSchema>;

export const assignmentViewSchema = z.object({
  id: z.string(),
  siteId: siteIdSchema,
  state: assignmentStateSchema,
  stage: z.string().nullable(),
  done: z.number().nullable(),
  total: z.number().nullable(),
  updatedAt: z.iso.datetime(),
  images: z.int().nullable(),
  loss: z.number().nullable(),
  bytes: z.int().nullable(),
  /** Sent to the site for this assignment. */
  bytesDown: z.int(),
  problem: problemSchema.nullable(),
  /** The model version that the site trains from. */
  baseVersion: z.int(),
  deadlineAt: z.iso.datetime(),
  /** When the present state or stage began. */
  stageSince: z.iso.datetime(),
  imagesPerSecond: z.number().nullable(),
});
export type AssignmentView = z.infer<typeof assignmentViewSchema>;
export const roundViewSchema = z.object({
  n: z.int(),
  attempt: z.int(),
  kind: z.enum(['train', 'evaluate']),
  state: roundStateSchema,
  openedAt: z.iso.datetime(),
  deadlineAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  reason: z.string().nullable(),
  answered: z.int(),
  declined: z.int(),
  loss: z.number().nullable(),
  seconds: z.number().nullable(),
  bytesUp: z.int(),
  /** Bytes of numbers that the same updates have as whole models in float32; 0 in an evaluation. */
  plainBytesUp: z.int(),
  /** Sent to the sites that answered. */
  bytesDown: z.int(),
  /** What these sites would have fetched as whole models in float32. */
  plainBytesDown: z.int(),
  /** Milliseconds by stage; null until the round is published. */
  timings: z.object({ collectMs: z.number(), aggregateMs: z.number() }).nullable(),
});
export type RoundView = z.infer<typeof roundViewSchema>;
export const runViewSchema = z.object({
  id: runIdSchema,
  studyId: studyIdSchema,
  name: z.string(),
  recipeSha256: sha256Schema,
  state: runStateSchema,
  sites: z.array(siteIdSchema),
  rounds: z.int(),
  roundsDone: z.int(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** What the coordinator waits for, in words, and until when. */
  waitingFor: z.string().nullable(),
  waitingUntil: z.iso.datetime().nullable(),
  /** Why a paused run is paused: an admin, too many failed attempts at a round, or storage, from which it goes on by itself. */
  pauseCause: pauseCauseSchema.nullable(),
  /** What went wrong last, with its remedy. */
  problem: problemSchema.nullable(),
  currentRound: roundViewSchema.nullable(),
  assignments: z.array(assignmentViewSchema),
  evaluation: evaluationResultSchema.nullable(),
  release: z.object({ version: z.string(), weights: blobRefSchema }).nullable(),
});
export type RunView = z.infer<typeof runViewSchema>;

/** One line of `run watch`; `seq` rises by one an event within a run. */
export const runEventSchema = z.object({
  seq: z.int(),
  at: z.iso.datetime(),
  kind: z.enum([
    'run.state',
    'recipe.answered',
    'round.opened',
    'round.published',
    'round.abandoned',
    'assignment.state',
    'update.refused',
    'evaluation.done',
    'release.created',
  ]),
  round: z.int().nullable(),
  siteId: siteIdSchema.nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export type RunEvent = z.infer<typeof runEventSchema>;
/** GET /v1/runs/:id/events?after=SEQ&waitSeconds=N (long poll, N <= 25) */
export const runEventsResponseSchema = z.object({ state: runStateSchema, events: z.array(runEventSchema) });

// ---- models
export const modelVersionSchema = z.object({
  /** `<runId>/<round>`; round 0 is the initial model. */
  version: z.string(),
  runId: runIdSchema,
  round: z.int(),
  weights: blobRefSchema,
  ema: blobRefSchema,
  /** Power-function averages of other widths than the first of the recipe's, whose files are kept as long. */
  averages: z.array(z.object({ width: z.number(), ...blobRefSchema.shape })),
  createdAt: z.iso.datetime(),
  /** When its files were removed by the recipe's retention rule; null while they can be had. */
  prunedAt: z.iso.datetime().nullable(),
  released: z.boolean(),
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

/** `lineage.json` of a pulled model: where it comes from, signed by the coordinator's Ed25519 key over its canonical JSON. */
export const lineageSchema = z.object({
  version: z.string(),
  runId: runIdSchema,
  studyId: studyIdSchema,
  recipeSha256: sha256Schema,
  recipe: recordedDocumentSchema,
  sites: z.array(z.object({ siteId: siteIdSchema, images: z.int() })),
  classes: z.array(z.string()),
  rounds: z.array(
    z.object({
      n: z.int(),
      weightsSha256: sha256Schema,
      emaSha256: sha256Schema,
      updates: z.array(z.object({ siteId: siteIdSchema, sha256: sha256Schema, images: z.int() })),
    }),
  ),
  weightsSha256: sha256Schema,
  emaSha256: sha256Schema,
  evaluation: evaluationResultSchema.nullable(),
  createdAt: z.iso.datetime(),
  /** Version of the coordinator that made it; null for those from before versions were recorded. */
  writtenBy: z.string().nullable().default(null),
});
export type Lineage = z.infer<typeof lineageSchema>;
/** The lineage as it was signed: verified first, then read by `readLineage`. */
export const releaseSchema = z.object({
  lineage: recordedDocumentSchema,
  signature: z.string(),
  publicKey: z.string(),
});
export type Release = z.infer<typeof releaseSchema>;
