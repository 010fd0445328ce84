import { z } from 'zod';
import { wholeNumber } from '../verb-options.js';

const MAX_SEED = 0xffff_ffff;

/** The flags of `tributary demo`. */
export const demoOptionsSchema = z.object({
  profile: z.enum(['quick', 'full']),
  sites: wholeNumber(1, 8),
  rounds: wholeNumber(1, 100_000).optional(),
  seed: wholeNumber(0, MAX_SEED),
  out: z.string().min(1, 'the name of a folder'),
  keep: z.boolean(),
  pooled: z.boolean(),
});
export type DemoOptions = z.infer<typeof demoOptionsSchema>;
