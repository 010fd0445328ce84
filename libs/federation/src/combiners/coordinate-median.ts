import type { Combiner } from './combiner.js';
import { sortedCoordinates } from './order-statistics.js';

/**
 * delta_i = median over the sites of update_i; the mean of the middle two for an even number of sites.
 * Up to half of the sites may send anything. Numbers of images do not count. Yin et al. 2018, definition 1 and algorithm 1.
 */
export const coordinateMedian: Combiner = {
  name: 'coordinate-wise median',
  survey: 'none',
  prepare: () => () => sortedCoordinates(median),
};

function median(ascending: Float64Array): number {
  const middle = ascending.length >> 1;
  const upper = ascending[middle] ?? 0;
  return ascending.length % 2 === 1 ? upper : ((ascending[middle - 1] ?? 0) + upper) / 2;
}
