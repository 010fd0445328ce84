import { describe, expect, it } from '@jest/globals';
import { smallRecipe } from '../recipe.spec-support.js';
import { learningRateAt, totalStepsOf } from './learning-rate.js';

const optimiser = { ...smallRecipe().optimiser, learningRate: 0.02, warmupSteps: 9 };

describe('learning rate', () => {
  it('rises linearly over the warm-up and then stays with a constant schedule', () => {
    const rates = [0, 4, 9, 500].map((step) => learningRateAt({ ...optimiser, schedule: 'constant' }, step, 1000));
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
    expect(totalStepsOf({ rounds: { ...smallRecipe().rounds, count: 7, localSteps: 11 } })).toBe(77);
  });

  it('refuses steps that are none', () => {
    expect(() => learningRateAt(optimiser, -1, 10)).toThrow(/globalStep/);
    expect(() => learningRateAt(optimiser, 0, 0)).toThrow(/totalSteps/);
  });
});
