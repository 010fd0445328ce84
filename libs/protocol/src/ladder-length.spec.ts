import { describe, expect, it } from '@jest/globals';
import { ladderLength } from './ladder-length.js';

describe('the length of a ladder of noise levels', () => {
  // Song & Ermon 2020, appendix B.1: largest sigma, image size in colour, and the number of levels that they used.
  it.each([
    ['CIFAR-10', 50, 32, 232],
    ['CelebA', 90, 64, 500],
    ['LSUN', 190, 128, 1086],
    ['FFHQ', 348, 256, 2311],
  ])('is about that of the paper for %s', (_, sigmaMax, side, levels) => {
    // The paper solves for a probability of about a half.
    const found = ladderLength({ sigmaMin: 0.01, sigmaMax }, 3 * side ** 2);
    expect(Math.abs(found / levels - 1)).toBeLessThan(0.06);
  });

  it('is two at least', () => {
    expect(ladderLength({ sigmaMin: 1, sigmaMax: 1.001 }, 64)).toBe(2);
  });
});
