import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accumulateMoments, type FeatureMoments } from '../moments/feature-moments.js';
import { poolMoments } from '../moments/pool-moments.js';
import { plainColumns, sampleFeatures } from '../moments/sample-features.spec-support.js';
import { kernelDistance } from './kernel-distance.js';

function of(features: Float32Array, dimensions: number): FeatureMoments {
  return accumulateMoments(features, { dimensions, order: 3 });
}

/** The definition, pair by pair: Binkowski et al. 2018, eq. 4. */
function pairwiseKernelDistance(x: Float32Array, y: Float32Array, d: number): number {
  const rows = (features: Float32Array) =>
    Array.from({ length: features.length / d }, (_, row) => features.subarray(row * d, (row + 1) * d));
  const kernel = (a: Float32Array, b: Float32Array) =>
    (a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / d + 1) ** 3;
  const meanKernel = (left: Float32Array[], right: Float32Array[], distinct: boolean) => {
    const values = left.flatMap((a, i) => right.filter((_, j) => !distinct || i !== j).map((b) => kernel(a, b)));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const [p, q] = [rows(x), rows(y)];
  return meanKernel(p, p, true) + meanKernel(q, q, true) - 2 * meanKernel(p, q, false);
}

describe('kernelDistance', () => {
  it('equals the pairwise definition, its left-out diagonal included', () => {
    fc.assert(
      fc.property(
        fc.record({ seed: fc.integer({ min: 1, max: 1e6 }), d: fc.integer({ min: 1, max: 6 }) }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 2, max: 12 }),
        ({ seed, d }, m, n) => {
          const x = sampleFeatures(seed, m, plainColumns(d));
          const y = sampleFeatures(seed + 1, n, {
            scale: plainColumns(d).scale.map(() => -2),
            shift: plainColumns(d).scale,
          });
          expect(kernelDistance(of(x, d), of(y, d))).toBeCloseTo(pairwiseKernelDistance(x, y, d), 9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('agrees with numpy', () => {
    // numpy 2.4.6: k = (x @ y.T / d + 1) ** 3 on the same numbers, without the diagonals within x and within y
    const x = sampleFeatures(1, 40, plainColumns(5));
    const y = sampleFeatures(2, 30, { scale: [1, 2, 0.5, 1, 1], shift: [0, 0.1, 0, -0.2, 0] });
    expect(kernelDistance(of(x, 5), of(y, 5))).toBeCloseTo(0.719876544755822, 10);
  });

  it('is the same from moments of several sites', () => {
    const x = sampleFeatures(4, 20, plainColumns(3));
    const y = sampleFeatures(5, 20, plainColumns(3));
    const pooled = poolMoments([of(x.subarray(0, 15), 3), of(x.subarray(15), 3)]);
    expect(kernelDistance(pooled, of(y, 3))).toBeCloseTo(pairwiseKernelDistance(x, y, 3), 10);
  });

  it('averages to zero between sets drawn alike', () => {
    const distances = Array.from({ length: 200 }, (_, trial) => {
      const both = sampleFeatures(1000 + 7919 * trial, 20, plainColumns(2));
      return kernelDistance(of(both.subarray(0, 20), 2), of(both.subarray(20), 2));
    });
    const mean = distances.reduce((sum, value) => sum + value, 0) / distances.length;
    const sd = Math.sqrt(distances.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (distances.length - 1));
    expect(Math.abs(mean)).toBeLessThan((4 * sd) / Math.sqrt(distances.length));
    expect(Math.min(...distances)).toBeLessThan(0);
  });

  it('needs third-order moments and two images a side', () => {
    const x = sampleFeatures(4, 5, plainColumns(3));
    const second = accumulateMoments(x, { dimensions: 3, order: 2 });
    expect(() => kernelDistance(second, of(x, 3))).toThrow('order 3');
    expect(() => kernelDistance(of(x, 3), of(x.subarray(0, 3), 3))).toThrow('two images');
    expect(() => kernelDistance(of(x, 3), of(x, 5))).toThrow('not comparable');
  });
});
