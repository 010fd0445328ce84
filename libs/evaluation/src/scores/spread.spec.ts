import { describe, expect, it } from '@jest/globals';
import { spreadOf } from './spread.js';

describe('spreadOf', () => {
  it('gives the mean and the sample standard deviation', () => {
    const { mean, sd, perSeed } = spreadOf([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(mean).toBe(5);
    expect(sd).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(perSeed).toEqual([2, 4, 4, 4, 5, 5, 7, 9]);
  });

  it('has no deviation from one seed and no mean from none', () => {
    expect(spreadOf([0.7])).toEqual({ mean: 0.7, sd: 0, perSeed: [0.7] });
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});
