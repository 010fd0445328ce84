import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Matrix } from 'ml-matrix';
import { accumulateMoments } from '../moments/feature-moments.js';
import { plainColumns, sampleFeatures } from '../moments/sample-features.spec-support.js';
import { frechetDistance, gaussianFrechetDistance } from './frechet-distance.js';

function gaussian(mean: number[], covariance: number[][]) {
  return { mean: Float64Array.from(mean), covariance: new Matrix(covariance) };
}

describe('gaussianFrechetDistance', () => {
  it('is (m1 - m2)^2 + (s1 - s2)^2 in one dimension', () => {
    expect(gaussianFrechetDistance(gaussian([1], [[4]]), gaussian([-2], [[25]]))).toBeCloseTo(9 + 9, 12);
  });

  it('adds up over dimensions when covariances are diagonal', () => {
    const a = gaussian(
      [0, 0, 1],
      [
        [1, 0, 0],
        [0, 4, 0],
        [0, 0, 0],
      ],
    );
    const b = gaussian(
      [1, 0, 1],
      [
        [9, 0, 0],
        [0, 4, 0],
        [0, 0, 2],
      ],
    );
    expect(gaussianFrechetDistance(a, b)).toBeCloseTo(1 + 4 + 0 + 2, 12);
  });

  it('agrees with scipy.linalg.sqrtm for covariances that do not commute', () => {
    // numpy 2.4.6, scipy 1.17.1: m@m + trace(A) + trace(B) - 2 * trace(sqrtm(A @ B)), m = [.3, -1, 2]
    const a = gaussian(
      [0.3, -1, 2],
      [
        [2, 0.5, 0.3],
        [0.5, 1, -0.2],
        [0.3, -0.2, 0.7],
      ],
    );
    const b = gaussian(
      [0, 0, 0],
      [
        [1, -0.4, 0.1],
        [-0.4, 3, 0.6],
        [0.1, 0.6, 0.9],
      ],
    );
    expect(gaussianFrechetDistance(a, b)).toBeCloseTo(6.350010657341343, 12);
  });
});

describe('frechetDistance', () => {
  const dimensions = 5;
  const x = sampleFeatures(1, 40, plainColumns(dimensions));
  const y = sampleFeatures(2, 30, { scale: [1, 2, 0.5, 1, 1], shift: [0, 0.1, 0, -0.2, 0] });
  const of = (features: Float32Array) => accumulateMoments(features, { dimensions, order: 2 });

  it('agrees with numpy and scipy on features', () => {
    // numpy.cov and scipy.linalg.sqrtm on the same numbers (the generator of sample-features.spec-support in Python), as float32
    expect(frechetDistance(of(x), of(y))).toBeCloseTo(0.6661124272882013, 10);
  });

  it('is symmetric, and zero to 1e-9 between a set and itself even where the covariance is singular', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 2, max: 9 }), (seed, count) => {
        const few = of(sampleFeatures(seed, count, plainColumns(dimensions)));
        expect(frechetDistance(few, few)).toBeLessThan(1e-9);
        expect(frechetDistance(few, of(x))).toBeCloseTo(frechetDistance(of(x), few), 9);
      }),
      { numRuns: 30 },
    );
  });

  it('grows by the square of a shift and does not see a turn of both sets', () => {
    const shifted = x.map((value, at) => (at % dimensions === 2 ? value + 3 : value));
    expect(frechetDistance(of(x), of(shifted))).toBeCloseTo(9, 4);
    const turn = (features: Float32Array) =>
      features.map((_, at) => features[at - (at % dimensions) + ((at + 1) % dimensions)] ?? 0);
    expect(frechetDistance(of(turn(x)), of(turn(y)))).toBeCloseTo(frechetDistance(of(x), of(y)), 10);
  });

  it('refuses features of different extractors and single images', () => {
    const other = accumulateMoments(x, { dimensions, order: 2, extractor: 'f' });
    expect(() => frechetDistance(of(x), other)).toThrow('not comparable');
    expect(() => frechetDistance(of(x), of(x.subarray(0, dimensions)))).toThrow('two images');
  });
});
