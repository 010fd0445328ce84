import { createStrategy } from '@tributary/federation';
import { serverAverages } from '@tributary/federation/averages/server-averages';
import type { Recipe } from '@tributary/protocol';

/** A round as far as disk space is concerned. */
export interface RoundToStore {
  readonly kind: 'train' | 'evaluate';
  readonly recipe: Pick<Recipe, 'strategy' | 'serverEma'>;
  /** Sites whose results have not arrived. */
  readonly awaitedSites: number;
  /** Size of the global weights. */
  readonly weightsBytes: number;
}

/** An evaluation is sums and features: a few megabytes. */
const EVALUATION_BYTES = 8 * 1024 ** 2;

/**
 * Bytes that a round may still write: an update of each awaited site, the next weights, their moving averages and the
 * strategy's vectors. What was there before goes only afterwards.
 */
export function roundNeedBytes({ kind, recipe, awaitedSites, weightsBytes }: RoundToStore): number {
  if (kind === 'evaluate') return awaitedSites * EVALUATION_BYTES;
  const { updateVectors, serverOptimiser } = createStrategy(recipe.strategy);
  const updateBytes = updateVectors.length * weightsBytes;
  const vectors = 1 + serverAverages(recipe.serverEma, 0).length + serverOptimiser.stateVectors.length;
  return awaitedSites * updateBytes + vectors * weightsBytes;
}
