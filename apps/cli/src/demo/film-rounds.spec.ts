import { describe, expect, it } from '@jest/globals';
import { filmedRounds } from './film-rounds.js';

describe('filmedRounds', () => {
  it.each([
    [1, [0, 1]],
    [2, [0, 1, 2]],
    [7, [0, 1, 2, 5, 7]],
    [20, [0, 1, 2, 5, 10, 20]],
    [150, [0, 1, 2, 5, 10, 20, 50, 100, 150]],
  ])('ends with round %d and thins out towards it', (last, rounds) => {
    expect(filmedRounds(last)).toEqual(rounds);
  });
});
