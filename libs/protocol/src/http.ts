import { z } from 'zod';
import { blobRefSchema } from './assignment.js';
import { fingerprintSchema, runIdSchema, sha256Schema, siteIdSchema, studyIdSchema } from './identifiers.js';
import { problemSchema } from './problem.js';
import { recipeSchema } from './recipe.js';
import { assignmentStateSchema, roundStateSchema, runStateSchema, siteStateSchema } from './states.js';

/** Largest JSON body in bytes that the coordinator reads. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024;

// ---- POST /v1/enrolment (anonymous: the one-time token is the credential)
export const enrolmentRequestSchema = z.strictObject({
  token: z.string().min(20).max(200),
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
  image: z.strictObject({ sizePx: z.int().min(8).max(256), channels: z.union([z.literal(1), z.literal(3)]) }),
});
export const studySchema = studyRequestSchema.extend({ createdAt: z.iso.datetime() });
export type Study = z.infer<typeof studySchema>;
export const invitationRequestSchema = z.strictObject({ siteId: siteIdSchema });
export const invitationResponseSchema = z.object({
  siteId: siteIdSchema,
  token: z.string(),
  expiresAt: z.iso.datetime(),
});
export const siteSchema = z.object({
  id: siteIdSchema,
  studies: z.array(studyIdSchema),
  state: siteStateSchema,
  fingerprint: fingerprintSchema,
  connected: z.boolean(),
  lastSeenAt: z.iso.datetime().nullable(),
});
export type Site = z.infer<typeof siteSchema>;
export const approvalRequestSchema = z.strictObject({ fingerprint: fingerprintSchema });

// ---- runs
export const runRequestSchema = z.strictObject({ studyId: studyIdSchema, recipe: recipeSchema });
/** GET /v1/runs/:id/recipe: what a site reads before it approves; the hash is `recipeHash(recipe)`. */
export const runRecipeSchema = z.object({ recipeSha256: sha256Schema, recipe: recipeSchema });
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
  problem: problemSchema.nullable(),
});
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
  createdAt: z.iso.datetime(),
  released: z.boolean(),
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

/** `lineage.json` of a pulled model: where it comes from, signed by the coordinator's Ed25519 key over its canonical JSON. */
export const lineageSchema = z.object({
  version: z.string(),
  runId: runIdSchema,
  studyId: studyIdSchema,
  recipeSha256: sha256Schema,
  recipe: z.unknown(),
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
});
export type Lineage = z.infer<typeof lineageSchema>;
export const releaseSchema = z.object({ lineage: lineageSchema, signature: z.string(), publicKey: z.string() });
export type Release = z.infer<typeof releaseSchema>;
