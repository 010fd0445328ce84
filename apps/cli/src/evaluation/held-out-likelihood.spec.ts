import { describe, expect, it } from '@jest/globals';
import { summaryOf } from './held-out-likelihood.js';

describe('bits per dimension of some images', () => {
  it('have the standard error of their mean, which one image has not', () => {
    // Sample standard deviation sqrt(2), over sqrt(2).
    const { mean, standardError, images } = summaryOf([3, 5]);
    expect([mean, images]).toEqual([4, 2]);
    expect(standardError).toBeCloseTo(1, 12);
    expect(summaryOf([3])).toEqual({ mean: 3, standardError: null, images: 1 });
  });
});
