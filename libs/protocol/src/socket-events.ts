import { z } from 'zod';
import { assignmentOfferSchema } from './assignment.js';
import { assignmentIdSchema, runIdSchema, sha256Schema, siteIdSchema } from './identifiers.js';
import { problemSchema } from './problem.js';

/** Raised when an agent and a coordinator of different versions could not understand each other. */
export const PROTOCOL_VERSION = 1;

/** Largest control message in bytes; weights never travel over the socket. */
export const MAX_SOCKET_MESSAGE_BYTES = 64 * 1024;

/** What the agent sends while it connects. */
export const socketAuthSchema = z.object({ accessToken: z.string().min(1), protocolVersion: z.int() });

export const runProposalSchema = z.object({ runId: runIdSchema, recipeSha256: sha256Schema });
export type RunProposal = z.infer<typeof runProposalSchema>;

export const recipeAnswerSchema = z.object({
  runId: runIdSchema,
  recipeSha256: sha256Schema,
  decision: z.enum(['approve', 'decline']),
  reason: z.string().max(500).optional(),
});
export type RecipeAnswer = z.infer<typeof recipeAnswerSchema>;

export const assignmentAnswerSchema = z.object({
  assignmentId: assignmentIdSchema,
  decision: z.enum(['accept', 'decline']),
  code: z.string().max(60).optional(),
});
export type AssignmentAnswer = z.infer<typeof assignmentAnswerSchema>;

export const assignmentProgressSchema = z.object({
  assignmentId: assignmentIdSchema,
  stage: z.enum(['downloading', 'training', 'evaluating', 'uploading']),
  done: z.number().min(0),
  total: z.number().min(0),
  imagesPerSecond: z.number().min(0).optional(),
  loss: z.number().optional(),
});
export type AssignmentProgress = z.infer<typeof assignmentProgressSchema>;

export const assignmentFailureSchema = z.object({
  assignmentId: assignmentIdSchema,
  /** Shown to admins with the run. */
  problem: problemSchema.extend({
    code: z.string().min(1).max(60),
    message: z.string().max(4000),
    remedy: z.string().max(4000),
  }),
});
export type AssignmentFailure = z.infer<typeof assignmentFailureSchema>;

/** What is open for a site: asked for after every connect, told again whenever something changes. */
export const openWorkSchema = z.object({
  proposals: z.array(runProposalSchema),
  assignments: z.array(assignmentOfferSchema),
  /** Runs of this site that have ended; its trainers may stop. */
  endedRuns: z.array(runIdSchema),
});
export type OpenWork = z.infer<typeof openWorkSchema>;

export const siteRevokedSchema = z.object({ siteId: siteIdSchema });

/** Every acknowledgement is one of these: accepted with a value, or refused with a coded problem. */
export type Ack<T> = { ok: true; value: T } | { ok: false; problem: z.infer<typeof problemSchema> };

/** Agent to coordinator; each may be sent more than once, the receiver dedupes by the id inside. */
export interface SiteToCoordinatorEvents {
  'work:open': (ack: (reply: Ack<OpenWork>) => void) => void;
  'recipe:answer': (answer: RecipeAnswer, ack: (reply: Ack<null>) => void) => void;
  'assignment:answer': (answer: AssignmentAnswer, ack: (reply: Ack<null>) => void) => void;
  'assignment:progress': (progress: AssignmentProgress) => void;
  'assignment:failed': (failure: AssignmentFailure, ack: (reply: Ack<null>) => void) => void;
}

/** Coordinator to agent; only hints to look: the durable truth is the answer to `work:open`. */
export interface CoordinatorToSiteEvents {
  'run:proposed': (proposal: RunProposal) => void;
  'assignment:offered': (offer: z.infer<typeof assignmentOfferSchema>) => void;
  'assignment:withdrawn': (withdrawn: { assignmentId: string }) => void;
  'run:ended': (ended: { runId: string }) => void;
  'site:revoked': (revoked: { siteId: string }) => void;
}
