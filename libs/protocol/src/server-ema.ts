import { z } from 'zod';

/** Of any average that is kept round by round. */
export const LARGEST_DECAY = 0.99999;
const largestDecay = z.number().min(0).max(LARGEST_DECAY);

const KINDS_TEXT = 'kind: constant (also when left out), inverse-power or power-function';
const WIDTH_TEXT = 'a number from 0.01 to 0.27';

/** Widths that a power-function average may have; `gammaOfWidth` has an answer for all of them. */
export const emaWidthSchema = z.number(WIDTH_TEXT).min(0.01, WIDTH_TEXT).max(0.27, WIDTH_TEXT);

/** How the averages of the global weights forget, a round at a time. Formulas and papers: docs/explanation-aggregation.md. */
export const serverEmaSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('constant').default('constant'),
      decay: largestDecay
        .default(0.9)
        .describe(
          'decay a round of the averaged global weights, warmed up; 0: the weights themselves are evaluated and released',
        ),
    }),
    z.strictObject({
      kind: z.literal('inverse-power'),
      decay: largestDecay
        .default(0.9999)
        .describe('largest decay a round: 1 - (1 + n / inverseGamma)^-power until then'),
      inverseGamma: z.number().positive().default(1).describe('rounds after which forgetting begins to slow down'),
      power: z
        .number()
        .gt(0)
        .max(1)
        .default(0.75)
        .describe('how forgetting slows down: 2/3 for long runs, 3/4 for short'),
    }),
    z.strictObject({
      kind: z.literal('power-function'),
      widths: z
        .array(emaWidthSchema)
        .min(1)
        .max(3)
        .refine((widths) => new Set(widths).size === widths.length, { error: 'widths that differ' })
        .default([0.1, 0.05])
        .describe(
          'standard deviation of each average as a share of the rounds so far; the first is evaluated and released, the others are kept so that averages of any width can be put together',
        ),
    }),
  ],
  { error: KINDS_TEXT },
);
export type ServerEma = z.infer<typeof serverEmaSchema>;
