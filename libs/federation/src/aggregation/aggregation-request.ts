import { compressionSchema } from '@tributary/protocol/federation';
import { parameterManifestSchema } from '@tributary/protocol/manifest';
import { z } from 'zod';
import { strategyOptionsSchema } from '../strategies/strategy-options.js';
import type { WrittenFile } from '../vectors/float-file-sink.js';

const path = z.string().min(1);
const count = z.int().nonnegative();
const rangeSchema = z.strictObject({ begin: count, end: count });

/** One site's update and what is known of it. */
export const updateInputSchema = z.strictObject({
  siteId: z.string().min(1),
  /** A safetensors file of exactly the parameters that the update holds. */
  path,
  /** Training images: the update's weight. */
  images: z.number().positive(),
  /** Local optimiser steps; only FedNova reads it. */
  localSteps: z.number().positive().default(1),
  /** Rounds that passed since the weights that it trained from; only FedBuff reads it. */
  staleness: z.number().nonnegative().default(0),
  /** Names of the parameters that the update holds; absent: all. */
  parameters: z.array(z.string()).readonly().optional(),
  /** How the file holds its numbers. */
  compression: compressionSchema.default({ kind: 'none' }),
  /** Parameters of which the site has a say in some rows only. */
  ownedRows: z
    .array(z.strictObject({ parameter: z.string(), rows: z.array(rangeSchema).readonly() }))
    .readonly()
    .default([]),
});

/** Everything that decides a round's outcome. Plain data: it can be sent to a worker thread. */
export const aggregationRequestSchema = z.strictObject({
  strategy: strategyOptionsSchema,
  /** Sites of the run, whether or not they took part (SCAFFOLD). */
  siteCount: z.int().min(1),
  /** The step of the optimiser that the server takes (FedSGD): `serverStep`. */
  adamW: z
    .strictObject({
      learningRate: z.number().positive(),
      beta1: z.number(),
      beta2: z.number(),
      epsilon: z.number(),
      weightDecay: z.number(),
      step: z.int().min(1),
    })
    .optional(),
  manifest: parameterManifestSchema,
  /** In any order, one a site. */
  updates: z.array(updateInputSchema),
  /** The global weights that the round started from. */
  globalPath: path,
  /** Moving averages of the global weights, each with the file that it goes to; without `previousPath` one starts at these. */
  averages: z
    .array(z.strictObject({ decay: z.number().min(0).lt(1), previousPath: path.optional(), path }))
    .default([]),
  /** The server's vectors by name, as the last round left them; absent ones start at their initial value. */
  statePaths: z.record(z.string(), path).default({}),
  /** Files to write, beside the averages: `statePaths` has one for each of the strategy's vectors. */
  out: z.strictObject({
    weightsPath: path,
    statePaths: z.record(z.string(), path).default({}),
  }),
  /** Memory for all windows together: large enough that system calls do not show. */
  windowBytes: z
    .int()
    .min(1)
    .default(8 * 1024 * 1024),
});

export type UpdateInput = z.infer<typeof updateInputSchema>;
/** With defaults filled in. */
export type AggregationRequest = z.infer<typeof aggregationRequestSchema>;
/** As a caller writes it. */
export type AggregationRequestInput = z.input<typeof aggregationRequestSchema>;

export interface AggregationProgress {
  readonly bytesRead: number;
  readonly totalBytes: number;
}

export interface UpdateNorm {
  readonly siteId: string;
  /** Euclidean norm of the update as it was sent. */
  readonly norm: number;
  /** Factor that clipping applied, in (0, 1]. */
  readonly scale: number;
}

export interface AggregationResult {
  readonly weights: WrittenFile;
  /** In the order of the request. */
  readonly averages: readonly WrittenFile[];
  readonly state: Readonly<Record<string, WrittenFile>>;
  /** Bytes of updates read, over all passes; parameters that an update leaves out count as read. */
  readonly bytesRead: number;
  /** Ascending by site id. */
  readonly updateNorms: readonly UpdateNorm[];
  /** Euclidean norm of the combined update, before the server optimiser. */
  readonly combinedNorm: number;
  /** Euclidean norm of the next weights. */
  readonly weightsNorm: number;
}
