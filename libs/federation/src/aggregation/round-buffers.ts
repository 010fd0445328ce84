import type { Strategy } from '../strategies/strategy.js';
import { FLOAT_BYTES } from '../vectors/float-file.js';
import { BLOCK_LENGTH } from './measures.js';
import type { RoundWindow } from './round-step.js';

const DOUBLE_BYTES = 8;

/** The memory of a round: allocated once, whatever the length of the vectors. */
export interface RoundBuffers {
  readonly windowLength: number;
  /** All arrays cut to a window; they share memory with every other window. */
  window(begin: number, length: number): RoundWindow;
}

/** @param averaged Whether the round keeps a moving average. */
export function allocateRoundBuffers(
  strategy: Strategy,
  { siteCount, averaged, windowBytes }: { siteCount: number; averaged: boolean; windowBytes: number },
): RoundBuffers {
  const vectors = strategy.updateVectors.length;
  const states = strategy.serverOptimiser.stateVectors.length;
  const floats = vectors * siteCount + 2 + 2 * states + (averaged ? 2 : 0);
  const bytesPerNumber = floats * FLOAT_BYTES + vectors * DOUBLE_BYTES;
  const windowLength = Math.max(1, Math.floor(windowBytes / bytesPerNumber / BLOCK_LENGTH)) * BLOCK_LENGTH;

  const floatArrays = (count: number) => Array.from({ length: count }, () => new Float32Array(windowLength));
  const updates = Array.from({ length: vectors }, () => floatArrays(siteCount));
  const [state, nextState] = [floatArrays(states), floatArrays(states)];
  const [weights, nextWeights] = [new Float32Array(windowLength), new Float32Array(windowLength)];
  const [previous, next] = [
    new Float32Array(averaged ? windowLength : 0),
    new Float32Array(averaged ? windowLength : 0),
  ];

  return {
    windowLength,
    window: (begin, length) => {
      const cut = (array: Float32Array) => array.subarray(0, length);
      return {
        begin,
        updates: updates.map((sites) => sites.map(cut)),
        weights: cut(weights),
        state: state.map(cut),
        nextWeights: cut(nextWeights),
        nextState: nextState.map(cut),
        average: averaged ? { previous: cut(previous), next: cut(next) } : undefined,
      };
    },
  };
}
