import type { FeatureMoments, ThirdOrderSums } from '../moments/feature-moments.js';
import { innerPairs, innerTriples, packedTrace } from '../moments/symmetric-packing.js';
import { checkComparable } from './comparable.js';

interface ThirdOrderMoments extends FeatureMoments {
  readonly higher: ThirdOrderSums;
}

/**
 * Kernel distance (KID): the unbiased squared maximum mean discrepancy with the kernel `k(x, y) = (x.y / d + 1)^3`
 * (Binkowski et al. 2018, eq. 4), exactly, from pooled moments: with `s = x.y / d`, `k = s^3 + 3 s^2 + 3 s + 1`, and a sum of
 * `(x.y)^p` over all pairs is the inner product of the two sides' p-th moments. Unbiased: it may be slightly negative.
 * @throws RangeError for different extractors, moments below order 3, or fewer than two images on a side.
 */
export function kernelDistance(a: FeatureMoments, b: FeatureMoments): number {
  checkComparable(a, b);
  const x = thirdOrder(a);
  const y = thirdOrder(b);
  const [m, n] = [x.pooled.count, y.pooled.count];
  const withinX = (kernelSum(x, x) - kernelDiagonal(x)) / (m * (m - 1));
  const withinY = (kernelSum(y, y) - kernelDiagonal(y)) / (n * (n - 1));
  const between = kernelSum(x, y) / (m * n);
  return withinX + withinY - 2 * between;
}

/** Sum of `k(x_i, y_j)` over all pairs. */
function kernelSum(x: ThirdOrderMoments, y: ThirdOrderMoments): number {
  const d = x.dimensions;
  const linear = x.pooled.first.reduce((sum, value, i) => sum + value * (y.pooled.first[i] ?? 0), 0) / d;
  const quadratic = innerPairs(x.pooled.second, y.pooled.second, d) / d ** 2;
  const cubic = innerTriples(x.higher.third, y.higher.third, d) / d ** 3;
  return cubic + 3 * quadratic + 3 * linear + x.pooled.count * y.pooled.count;
}

/** Sum of `k(x_i, x_i)`: the pairs of an image with itself, which the unbiased estimate leaves out. */
function kernelDiagonal({ dimensions: d, pooled, higher }: ThirdOrderMoments): number {
  const normSquared = packedTrace(pooled.second, d);
  return higher.normSixth / d ** 3 + (3 * higher.normFourth) / d ** 2 + (3 * normSquared) / d + pooled.count;
}

function thirdOrder(moments: FeatureMoments): ThirdOrderMoments {
  const { higher, pooled } = moments;
  if (!higher) throw new RangeError('the kernel distance needs moments of order 3');
  if (pooled.count < 2)
    throw new RangeError(`the kernel distance needs two images or more on a side, not ${pooled.count}`);
  return { ...moments, higher };
}
