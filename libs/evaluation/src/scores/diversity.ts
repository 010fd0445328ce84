import type { MomentSums } from '../moments/feature-moments.js';
import { packedTrace } from '../moments/symmetric-packing.js';

/**
 * Root mean squared distance between two different images' features: `sqrt(2 tr C)` with the unbiased covariance C
 * (the mean of |x_i - x_j|^2 over i != j is exactly 2 tr C). 0 means that all images are one image.
 * @throws RangeError for fewer than two images.
 */
export function pairwiseSpread(sums: MomentSums): number {
  const { count, first, second } = sums;
  if (count < 2) throw new RangeError(`diversity needs two images or more, not ${count}`);
  const meanNormSquared = first.reduce((sum, value) => sum + (value / count) ** 2, 0);
  const trace = (packedTrace(second, first.length) - count * meanNormSquared) / (count - 1);
  return Math.sqrt(2 * Math.max(trace, 0));
}

/** Spread of the synthetic images over that of real ones: about 1 is right, far below 1 is mode collapse. */
export function diversityRatio(synthetic: MomentSums, real: MomentSums): number {
  return pairwiseSpread(synthetic) / pairwiseSpread(real);
}
