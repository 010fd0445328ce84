import { describe, expect, it } from '@jest/globals';
import { roundRecipe, weightsBytes } from './round-recipe.js';

describe('roundRecipe', () => {
  it.each([1e7, 1e8, 2.5e8, 3.3e9])('has a network whose weights are within 5 %% of %d bytes', (bytes) => {
    const recipe = roundRecipe({ bytes, sites: 6, rounds: 2 });
    expect(Math.abs(weightsBytes(recipe) / bytes - 1)).toBeLessThan(0.05);
    expect([recipe.rounds.count, recipe.rounds.quorum]).toEqual([2, 6]);
  });
});
