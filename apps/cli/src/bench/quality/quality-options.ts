import { z } from 'zod';
import { wholeNumber } from '../../verb-options.js';
import { SWEEP_STEPS } from './sweep/accepted-recipes.js';

export const qualityOptionsSchema = z.object({
  out: z.string().min(1),
  cases: z.string().optional(),
  samplers: z.string().optional(),
  only: z.string().optional(),
  sweep: z.enum(SWEEP_STEPS).optional(),
  minutes: z.coerce.number({ error: 'a number of minutes' }).positive().default(Infinity),
  trainSteps: wholeNumber(1, 1_000_000),
  learningRate: z.coerce.number({ error: 'a number from 0 to 1' }).gt(0).max(1),
  channels: z.string().regex(/^\d+(,\d+)*$/, 'whole numbers with commas between them'),
  normGroups: wholeNumber(1, 64),
  imageSize: wholeNumber(8, 256),
  patients: wholeNumber(4, 10_000),
  images: wholeNumber(8, 10_000),
  longest: wholeNumber(1, 10_000),
  seed: wholeNumber(0, 0xffff_ffff),
  threads: wholeNumber(1, 256),
});
export type QualityOptions = z.infer<typeof qualityOptionsSchema>;
