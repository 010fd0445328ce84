import { z } from 'zod';
import { generateOptionsSchema } from '../models/generation/generate-request.js';
import { wholeNumber } from '../verb-options.js';

const MOST_IMAGES = 100_000;
const FEWEST_IMAGES = 8;
const MOST_TRAININGS = 20;
const MOST_PROBES = 100;
const TOLERANCE = 'a number above 0 and up to 0.1';

export const evaluateOptionsSchema = generateOptionsSchema
  .pick({
    model: true,
    class: true,
    site: true,
    sampler: true,
    steps: true,
    settings: true,
    guidance: true,
    threads: true,
  })
  .extend({
    data: z.string().min(1),
    count: wholeNumber(FEWEST_IMAGES, MOST_IMAGES),
    utilitySeeds: wholeNumber(0, MOST_TRAININGS).optional(),
    likelihood: z.boolean().optional(),
    likelihoodImages: wholeNumber(1, MOST_IMAGES).optional(),
    likelihoodTolerance: z.coerce.number({ error: TOLERANCE }).gt(0, TOLERANCE).max(0.1, TOLERANCE).optional(),
    traceSamples: wholeNumber(1, MOST_PROBES).optional(),
  });
export type EvaluateOptions = z.infer<typeof evaluateOptionsSchema>;
