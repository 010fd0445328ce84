import { z } from 'zod';
import { assignmentIdSchema, runIdSchema, sha256Schema, siteIdSchema } from './identifiers.js';

/** A content-addressed file of the blob store: `GET /v1/blobs/:sha256`, ranged and immutable. */
export const blobRefSchema = z.object({ sha256: sha256Schema, sizeBytes: z.int().min(1) });
export type BlobRef = z.infer<typeof blobRefSchema>;

const offerBase = {
  assignmentId: assignmentIdSchema,
  runId: runIdSchema,
  recipeSha256: sha256Schema,
  /**
   * Rounds count from 1: round n starts from model version n - 1 and makes version n, so its first local step is the
   * run's step (n - 1) * localSteps. The evaluation comes after the last training round and counts on.
   */
  round: z.int().min(1),
  attempt: z.int().min(0),
  /**
   * The last round whose model counts an update of this site; 0 before the first. What the site keeps between rounds goes on
   * from there: an update that was made in vain leaves no trace.
   */
  countedRound: z.int().min(0),
  deadlineAt: z.iso.datetime(),
  /** Sites of the run in the order of their ids; the position is the site's index in the class embedding. */
  sites: z.array(siteIdSchema).min(1),
};

/** One site's part in one round: train from these global weights, or evaluate these model versions. */
export const assignmentOfferSchema = z.discriminatedUnion('kind', [
  z.object({
    ...offerBase,
    kind: z.literal('train'),
    weights: blobRefSchema,
    /** The server's control variate, as the last round left it; only with SCAFFOLD, from its second round on. */
    control: blobRefSchema.optional(),
  }),
  z.object({ ...offerBase, kind: z.literal('evaluate'), before: blobRefSchema, after: blobRefSchema }),
]);
export type AssignmentOffer = z.infer<typeof assignmentOfferSchema>;

const MOST_COUNTED = 1e9;

/** What a site reports with its update. Numbers only. */
export const trainReportSchema = z.object({
  kind: z.literal('train'),
  images: z.int().min(1).max(MOST_COUNTED),
  steps: z.int().min(1).max(MOST_COUNTED),
  loss: z.number(),
  trainSeconds: z.number().min(0),
  imagesPerSecond: z.number().min(0),
  engine: z.object({ name: z.string(), device: z.string(), threads: z.int() }),
});
export const evaluateReportSchema = z.object({
  kind: z.literal('evaluate'),
  heldOutImages: z.int().min(0).max(MOST_COUNTED),
  syntheticImages: z.int().min(0).max(MOST_COUNTED),
  evaluateSeconds: z.number().min(0),
  engine: z.object({ name: z.string(), device: z.string(), threads: z.int() }),
});
export const assignmentReportSchema = z.discriminatedUnion('kind', [trainReportSchema, evaluateReportSchema]);
export type AssignmentReport = z.infer<typeof assignmentReportSchema>;
export type TrainReport = z.infer<typeof trainReportSchema>;

/** Header of `GET /v1/blobs/:sha256`: what is sent is counted for the assignment of that id, where it is the caller's. */
export const ASSIGNMENT_HEADER = 'tributary-assignment';
export const downloadHeadersSchema = z.object({ [ASSIGNMENT_HEADER]: assignmentIdSchema.optional() });

/** Metadata of the tus upload; the upload's id is the assignment's id. `report` is the JSON of an `AssignmentReport`. */
export const uploadMetadataSchema = z.object({
  assignmentId: assignmentIdSchema,
  sha256: sha256Schema,
  report: z.string().max(4096),
});
export type UploadMetadata = z.infer<typeof uploadMetadataSchema>;
