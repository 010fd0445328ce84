import { strategySchema } from '@tributary/protocol/strategy';
import type { z } from 'zod';

/** Every strategy of this library, as a recipe names it. */
export const strategyOptionsSchema = strategySchema;

export type StrategyOptions = z.infer<typeof strategyOptionsSchema>;
