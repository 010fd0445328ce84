import { describe, expect, it } from '@jest/globals';
import { spreadOf } from './spread.js';
import { poolUtilities, utilitySchema, type Utility } from './utility.js';

function utility(realOnly: number[], withSynthetic: number[], tests: { lesions: number; healthy: number }): Utility {
  return {
    realOnly: spreadOf(realOnly),
    withSynthetic: spreadOf(withSynthetic),
    trainLesions: 3,
    syntheticLesions: 40,
    testLesions: tests.lesions,
    testHealthy: tests.healthy,
  };
}

describe('poolUtilities', () => {
  it('weighs each site by its pairs, seed by seed', () => {
    const pooled = poolUtilities([
      utility([0.5, 0.7], [0.9, 0.8], { lesions: 1, healthy: 10 }),
      utility([0.8, 0.6], [1, 1], { lesions: 3, healthy: 10 }),
    ]);
    expect(pooled.realOnly.perSeed[0]).toBeCloseTo((0.5 + 3 * 0.8) / 4, 12);
    expect(pooled.realOnly.perSeed[1]).toBeCloseTo((0.7 + 3 * 0.6) / 4, 12);
    expect(pooled.withSynthetic.mean).toBeCloseTo((0.9 + 3 + 0.8 + 3) / 8, 12);
    expect(pooled).toMatchObject({ trainLesions: 6, syntheticLesions: 80, testLesions: 4, testHealthy: 20 });
    expect(utilitySchema.parse(pooled)).toEqual(pooled);
  });

  it('leaves one site as it is', () => {
    const site = utility([0.25, 0.5], [0.5, 0.75], { lesions: 2, healthy: 9 });
    expect(poolUtilities([site])).toEqual(site);
  });

  it('refuses no sites and different numbers of seeds', () => {
    const tests = { lesions: 1, healthy: 1 };
    expect(() => poolUtilities([])).toThrow(RangeError);
    expect(() => poolUtilities([utility([0.5], [0.5], tests), utility([0.5, 0.5], [0.5, 0.5], tests)])).toThrow(
      'numbers of seeds',
    );
  });
});
