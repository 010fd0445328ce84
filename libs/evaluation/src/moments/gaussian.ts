import { Matrix } from 'ml-matrix';
import type { MomentSums } from './feature-moments.js';

/** Mean and unbiased covariance of features. */
export interface Gaussian {
  /** `[d]` */
  readonly mean: Float64Array;
  /** `[d, d]` */
  readonly covariance: Matrix;
}

/**
 * Mean, and covariance with divisor n - 1.
 * @throws RangeError for fewer than two images.
 */
export function gaussianOf(sums: MomentSums): Gaussian {
  const { count, first, second } = sums;
  if (count < 2) throw new RangeError(`a covariance needs two images or more, not ${count}`);
  const mean = first.map((sum) => sum / count);
  const covariance = Matrix.zeros(mean.length, mean.length);
  let slot = 0;
  for (let i = 0; i < mean.length; i++) {
    for (let j = i; j < mean.length; j++) {
      const value = ((second[slot] ?? 0) - count * (mean[i] ?? 0) * (mean[j] ?? 0)) / (count - 1);
      covariance.set(i, j, value).set(j, i, value);
      slot++;
    }
  }
  return { mean, covariance };
}
