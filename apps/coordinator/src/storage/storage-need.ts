import { createStrategy } from '@tributary/federation';
import type { Recipe } from '@tributary/protocol';

/** A round as far as disk space is concerned. */
export interface RoundToStore {
  readonly kind: 'train' | 'evaluate';
  readonly strategy: Recipe['strategy'];
  /** Sites whose results have not arrived. */
  readonly awaitedSites: number;
  /** Size of the global weights. */
  readonly weightsBytes: number;
}

/** An evaluation is sums and features: a few megabytes. */
const EVALUATION_BYTES = 8 * 1024 ** 2;

/**
 * Bytes that a round may still write: an update of each awaited site, the next weights, their moving average and the
 * strategy's vectors. What was there before goes only afterwards.
 */
export function roundNeedBytes({ kind, strategy, awaitedSites, weightsBytes }: RoundToStore): number {
  if (kind === 'evaluate') return awaitedSites * EVALUATION_BYTES;
  const { updateVectors, serverOptimiser } = createStrategy(strategy);
  const updateBytes = updateVectors.length * weightsBytes;
  return awaitedSites * updateBytes + versionBytes(weightsBytes, serverOptimiser.stateVectors.length);
}

function versionBytes(weightsBytes: number, stateVectors: number): number {
  const weightsAndAverage = 2;
  return (weightsAndAverage + stateVectors) * weightsBytes;
}
