import type { RecipeInput } from '@tributary/protocol';
import { tinyRecipe } from '../../support/tiny-recipe.js';

/** The names of the recipes whose runs are disturbed. */
export type ChaosRecipe = 'fedavg' | 'scaffold';

/** Federated averaging, or everything at once that a strategy may keep at a site. */
export function chaosRecipe(name: ChaosRecipe, rounds: number): RecipeInput {
  // All three updates of each round count, however long they take: a round without one would have other weights.
  const plain = tinyRecipe({ rounds: { count: rounds, quorum: 3, deadlineSeconds: 900 } });
  if (name === 'fedavg') return plain;
  return {
    ...plain,
    strategy: { kind: 'scaffold' },
    federation: { exchange: 'usplit', localParameters: ['norms'], compression: { kind: 'int8' } },
  };
}
