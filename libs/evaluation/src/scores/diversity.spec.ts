import { describe, expect, it } from '@jest/globals';
import { accumulateMoments } from '../moments/feature-moments.js';
import { plainColumns, sampleFeatures } from '../moments/sample-features.spec-support.js';
import { diversityRatio, pairwiseSpread } from './diversity.js';

const of = (features: Float32Array, dimensions: number) => accumulateMoments(features, { dimensions, order: 2 }).pooled;

describe('pairwiseSpread', () => {
  it('is the distance of the only two images', () => {
    expect(pairwiseSpread(of(Float32Array.of(0, 0, 3, 4), 2))).toBeCloseTo(5, 12);
  });

  it('agrees with numpy over all pairs', () => {
    // numpy: sqrt(((x[:, None] - x[None]) ** 2).sum() / (40 * 39))
    expect(pairwiseSpread(of(sampleFeatures(1, 40, plainColumns(5)), 5))).toBeCloseTo(0.8981076569279414, 8);
  });

  it('is zero when all images are one', () => {
    expect(pairwiseSpread(of(Float32Array.of(0.3, 0.7, 0.3, 0.7, 0.3, 0.7), 2))).toBeLessThan(1e-6);
  });

  it('is refused for one image', () => {
    expect(() => pairwiseSpread(of(Float32Array.of(1), 1))).toThrow('two images');
  });
});

describe('diversityRatio', () => {
  it('is one half when synthetic images lie half as far apart', () => {
    const real = sampleFeatures(1, 40, plainColumns(5));
    expect(
      diversityRatio(
        of(
          real.map((value) => value / 2),
          5,
        ),
        of(real, 5),
      ),
    ).toBeCloseTo(0.5, 6);
  });
});
