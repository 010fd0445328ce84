import { describe, expect, it } from '@jest/globals';
import { volumeFeatures } from './volume-features.js';

/** Features of an image are its first value and that value squared. */
const extractor = {
  dimensions: 2,
  features: async (images: Float32Array, count: number) =>
    Float32Array.from({ length: 2 * count }, (_, i) => (images[i >> 1] ?? NaN) ** (1 + (i % 2))),
};

describe('features of volumes', () => {
  it('are the means over the slices of each', async () => {
    const images = Float32Array.of(1, 3, 5, 7);
    expect([...(await volumeFeatures(extractor, images, { count: 2, depth: 2 }))]).toEqual([2, 5, 6, 37]);
    expect([...(await volumeFeatures(extractor, images, { count: 4, depth: 1 }))]).toEqual([1, 1, 3, 9, 5, 25, 7, 49]);
  });
});
