import { strategyBase, strategySchema } from '@tributary/protocol/strategy';
import { z } from 'zod';

/**
 * Every strategy of this library: those that a recipe may name, and those that need more than a coordinator with rounds.
 * FedProx and SCAFFOLD have a part at the sites.
 */
export const strategyOptionsSchema = z.discriminatedUnion('kind', [
  ...strategySchema.options,
  z.strictObject({ kind: z.literal('fedprox'), ...strategyBase }),
  // A SCAFFOLD update is two vectors that belong together: clipping one of them would part them.
  z.strictObject({ kind: z.literal('scaffold'), ...strategyBase, clipNorm: z.undefined().optional() }),
]);

export type StrategyOptions = z.infer<typeof strategyOptionsSchema>;
