import { describe, expect, it } from '@jest/globals';
import { technique4StepSize } from './annealed-langevin.js';

describe('the step size of technique 4', () => {
  /** sigma_1, L, T and ε of the experiments of Song & Ermon 2020, with sigma_L = 0.01; ε is rounded to two digits. */
  it.each([
    ['CIFAR-10', { sigmaMax: 50, levels: 232, stepsPerLevel: 5, published: 6.2e-6 }],
    ['CelebA', { sigmaMax: 90, levels: 500, stepsPerLevel: 5, published: 3.3e-6 }],
    ['FFHQ', { sigmaMax: 348, levels: 2311, stepsPerLevel: 3, published: 0.9e-6 }],
  ])('is the published one for %s', (_, { sigmaMax, levels, stepsPerLevel, published }) => {
    const sigmaMin = 0.01;
    const gamma = (sigmaMax / sigmaMin) ** (1 / (levels - 1));
    expect(technique4StepSize(gamma, stepsPerLevel) * sigmaMin ** 2).toBeCloseTo(published, 7);
  });

  it('grows with the ratio of levels: coarse ladders need longer moves', () => {
    const sizes = [1.01, 1.1, 1.5, 3].map((gamma) => technique4StepSize(gamma, 5));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(sizes.at(-1)).toBeLessThan(1);
  });
});
