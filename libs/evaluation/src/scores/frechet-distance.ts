import { SingularValueDecomposition } from 'ml-matrix';
import type { FeatureMoments } from '../moments/feature-moments.js';
import { gaussianOf, type Gaussian } from '../moments/gaussian.js';
import { checkComparable } from './comparable.js';
import { symmetricSquareRoot } from '../moments/symmetric-square-root.js';

/**
 * Frechet distance between the Gaussians of two sets of features (Heusel et al. 2017, eq. 6):
 * `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, in squared units of the features. 0 if mean and covariance agree.
 * It grows when a set is small: compare only equal counts, and state real against real beside it.
 * @throws RangeError for different extractors or fewer than two images on a side.
 */
export function frechetDistance(a: FeatureMoments, b: FeatureMoments): number {
  checkComparable(a, b);
  return gaussianFrechetDistance(gaussianOf(a.pooled), gaussianOf(b.pooled));
}

/** The same for two Gaussians of one dimension count. Never negative. */
export function gaussianFrechetDistance(a: Gaussian, b: Gaussian): number {
  const meanSquared = a.mean.reduce((sum, value, i) => sum + (value - (b.mean[i] ?? 0)) ** 2, 0);
  const distance = meanSquared + a.covariance.trace() + b.covariance.trace() - 2 * fidelity(a, b);
  return Math.max(distance, 0);
}

/**
 * `tr((C1 C2)^(1/2))` as the sum of the singular values of `C1^(1/2) C2^(1/2)`: the product's own root would
 * lose half the digits where a covariance is singular.
 */
function fidelity(a: Gaussian, b: Gaussian): number {
  const product = symmetricSquareRoot(a.covariance).mmul(symmetricSquareRoot(b.covariance));
  const { diagonal } = new SingularValueDecomposition(product, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  });
  return diagonal.reduce((sum, singular) => sum + singular, 0);
}
