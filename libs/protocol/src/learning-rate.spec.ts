import { describe, expect, it } from '@jest/globals';
import { learningRateAt, totalStepsOf } from './learning-rate.js';
import { optimiserSchema, roundsSchema } from './recipe.js';

const optimiser = optimiserSchema.parse({ kind: 'adamw', learningRate: 0.02, warmupSteps: 9, schedule: 'constant' });

describe('learning rate', () => {
  it('rises linearly over the warm-up and then stays with a constant schedule', () => {
    const rates = [0, 4, 9, 500].map((step) => learningRateAt(optimiser, step, 1000));
    expect(rates).toEqual([0.002, 0.01, 0.02, 0.02]);
  });

  it('falls by half a cosine to a twentieth', () => {
    const cosine = { ...optimiser, warmupSteps: 0, schedule: 'cosine' as const };
    expect(learningRateAt(cosine, 0, 1000)).toBeCloseTo(0.02, 12);
    // Half way: 0.02 (0.05 + 0.95 / 2)
    expect(learningRateAt(cosine, 500, 1000)).toBeCloseTo(0.0105, 12);
    expect(learningRateAt(cosine, 1000, 1000)).toBeCloseTo(0.001, 12);
    expect(learningRateAt(cosine, 5000, 1000)).toBeCloseTo(0.001, 12);
  });

  it('counts the steps of all rounds', () => {
    const rounds = roundsSchema.parse({ count: 7, localSteps: 11, batchSize: 1, quorum: 1 });
    expect(totalStepsOf({ rounds })).toBe(77);
  });

  it('refuses steps that are none', () => {
    expect(() => learningRateAt(optimiser, -1, 10)).toThrow(/globalStep/);
    expect(() => learningRateAt(optimiser, 0, 0)).toThrow(/totalSteps/);
  });
});
