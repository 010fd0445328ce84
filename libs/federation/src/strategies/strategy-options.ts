import { strategyBase, strategySchema } from '@tributary/protocol/strategy';
import { z } from 'zod';

const adaptivity = {
  ...strategyBase,
  beta1: z.number().min(0).lt(1).default(0.9),
  tau: z.number().positive().default(1e-3),
};
const beta2 = z.number().min(0).lt(1).default(0.99);

/**
 * Every strategy of this library: those that a recipe may name, and those that need more from their caller. Strategies
 * with server vectors want `statePaths`; FedProx and SCAFFOLD have a part at the sites; FedBuff has no rounds.
 */
export const strategyOptionsSchema = z.discriminatedUnion('kind', [
  ...strategySchema.options,
  z.strictObject({ kind: z.literal('fedprox'), ...strategyBase }),
  z.strictObject({ kind: z.literal('fedavgm'), ...strategyBase, momentum: z.number().min(0).lt(1).default(0.9) }),
  z.strictObject({ kind: z.literal('fedadagrad'), ...adaptivity }),
  z.strictObject({ kind: z.literal('fedadam'), ...adaptivity, beta2 }),
  z.strictObject({ kind: z.literal('fedyogi'), ...adaptivity, beta2 }),
  // A SCAFFOLD update is two vectors that belong together: clipping one of them would part them.
  z.strictObject({ kind: z.literal('scaffold'), ...strategyBase, clipNorm: z.undefined().optional() }),
  z.strictObject({
    kind: z.literal('fedbuff'),
    ...strategyBase,
    stalenessExponent: z.number().min(0).default(0.5),
  }),
]);

export type StrategyOptions = z.infer<typeof strategyOptionsSchema>;
