import { z } from 'zod';

const positive = z.number().positive();
const decay = z.number().min(0).lt(1);

const serverLearningRate = positive.default(1).describe('step along the combined update');
const ownedRows = z
  .boolean()
  .default(true)
  .describe('rows of the class and site embedding are combined only over the sites that own them');
const clipNorm = positive.optional().describe('updates with a longer Euclidean norm are scaled down to it');

/**
 * What most strategies have. But a SCAFFOLD update is two vectors that belong together: clipping one would part them. And FedSGD
 * steps by the recipe's optimiser.
 */
export const strategyBase = { serverLearningRate, ownedRows, clipNorm };

const adaptive = {
  ...strategyBase,
  beta1: decay.default(0.9).describe('share of the past in the average of updates'),
  tau: positive.default(1e-3).describe('degree of adaptivity: the smaller, the more'),
};
const beta2 = decay.default(0.99).describe('share of the past in the average of squared updates');

/** How updates become the next global weights, as a recipe names it. Formulas and papers: docs/ref-strategies.md. */
export const strategySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fedavg'), ...strategyBase }),
  z.strictObject({ kind: z.literal('fedsgd'), ownedRows, clipNorm }),
  z.strictObject({ kind: z.literal('fednova'), ...strategyBase }),
  z.strictObject({
    kind: z.literal('fedprox'),
    ...strategyBase,
    mu: z
      .number()
      .min(0)
      .default(0.01)
      .describe('pull of every local step towards the weights that the round began with'),
  }),
  z.strictObject({ kind: z.literal('scaffold'), serverLearningRate, ownedRows }),
  z.strictObject({
    kind: z.literal('fedavgm'),
    ...strategyBase,
    momentum: decay.default(0.9).describe('share of earlier updates that is carried on'),
  }),
  z.strictObject({ kind: z.literal('fedadagrad'), ...adaptive }),
  z.strictObject({ kind: z.literal('fedadam'), ...adaptive, beta2 }),
  z.strictObject({ kind: z.literal('fedyogi'), ...adaptive, beta2 }),
  z.strictObject({ kind: z.literal('median'), ...strategyBase }),
  z.strictObject({
    kind: z.literal('trimmed-mean'),
    ...strategyBase,
    trimFraction: z.number().min(0).lt(0.5).default(0.1).describe('share of sites left out at each end'),
  }),
  z.strictObject({
    kind: z.literal('multi-krum'),
    ...strategyBase,
    byzantine: z.int().min(0).describe('sites that may send anything; a round needs 2 * byzantine + 3 updates'),
    selected: z.int().min(1).optional().describe('updates that are averaged; all but `byzantine` when left out'),
  }),
  z.strictObject({
    kind: z.literal('fedbuff'),
    ...strategyBase,
    bufferSize: z.int().min(1).max(10_000).default(2).describe('updates that make a new version, from whichever sites'),
    stalenessExponent: z
      .number()
      .min(0)
      .default(0.5)
      .describe('an update that is t versions behind counts (1 + t)^-exponent'),
    maxStaleness: z.int().min(0).optional().describe('updates that are more versions behind are refused'),
  }),
]);

/** Fewest updates that a strategy can combine. Krum: 2f + 3 (Blanchard et al. 2017, proposition 1). */
export function fewestUpdates(strategy: z.infer<typeof strategySchema>): number {
  return strategy.kind === 'multi-krum' ? 2 * strategy.byzantine + 3 : 1;
}
