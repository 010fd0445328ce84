import type { Combiner } from './combiner.js';
import { sortedCoordinates } from './order-statistics.js';

/**
 * delta_i = mean of update_i over the sites without the k smallest and k largest values, k = floor(fraction * sites).
 * Numbers of images do not count. Yin et al. 2018, definition 2 and algorithm 1.
 *
 * @param fraction beta: share of sites trimmed at each end, in [0, 0.5).
 */
export function trimmedMean(fraction: number): Combiner {
  if (!(fraction >= 0 && fraction < 0.5)) throw new RangeError('the trimmed fraction must lie in [0, 0.5)');
  return {
    name: 'coordinate-wise trimmed mean',
    survey: 'none',
    prepare: () => (group) => {
      const trimmed = Math.floor(fraction * group.length);
      return sortedCoordinates((ascending) => meanBetween(ascending, trimmed, group.length - trimmed));
    },
  };
}

function meanBetween(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] ?? 0;
  return sum / (to - from);
}
