import { sha256Schema } from '@tributary/protocol/identifiers';
import { spreadSchema } from '@tributary/evaluation/scores/spread';
import { z } from 'zod';

const scoresSchema = z.object({ fd: z.number(), kid: z.number() });
const shareSchema = z.number().min(0).max(1).nullable();

/** `result.json` and the document of `demo --format json`; fields may be added, none may change meaning. */
export const demoResultSchema = z.object({
  outDir: z.string(),
  profile: z.string(),
  seed: z.int(),
  pooled: z.boolean(),
  runId: z.string(),
  sites: z.array(
    z.object({
      id: z.string(),
      images: z.int(),
      patients: z.int(),
      classes: z.record(z.string(), z.int()),
    }),
  ),
  rounds: z.array(
    z.object({
      n: z.int(),
      answered: z.int(),
      declined: z.int(),
      seconds: z.number(),
      loss: z.number().nullable(),
    }),
  ),
  engine: z.object({ name: z.string(), device: z.string(), threads: z.int() }),
  scores: z.object({ before: scoresSchema, after: scoresSchema }),
  /** Area under the ROC curve of a lesion classifier on held-out patients, over several seeds; null where not measured. */
  utility: z.object({
    realOnly: spreadSchema.nullable(),
    withSynthetic: spreadSchema.nullable(),
    rareClass: z.string(),
    /** How many images with a lesion the classifiers were trained and tested with. */
    trainLesions: z.int().nullable(),
    syntheticLesions: z.int().nullable(),
    testLesions: z.int().nullable(),
  }),
  /** Shares of synthetic images that a classifier puts into the slab and to the scanner they were made for. */
  slabShare: shareSchema,
  siteShare: shareSchema,
  realClassShare: shareSchema,
  realSiteShare: shareSchema,
  /** Frechet distance of real training images to real held-out ones: what a perfect generator could reach. */
  realFd: z.number().nullable(),
  /** Spread of the synthetic images over that of the held-out ones. */
  diversity: z.number().nullable(),
  heldOutImages: z.int(),
  syntheticImages: z.int(),
  bytesUp: z.int(),
  release: z.object({ version: z.string(), sha256: sha256Schema, path: z.string(), verified: z.boolean() }),
  samples: z.object({ png: z.string() }),
  report: z.string(),
  stages: z.array(z.object({ stage: z.string(), seconds: z.number() })),
  seconds: z.number(),
});
export type DemoResult = z.infer<typeof demoResultSchema>;
