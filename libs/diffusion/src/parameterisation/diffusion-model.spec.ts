import { describe, expect, it } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol/recipe';
import fc from 'fast-check';
import { smallRecipe } from '../recipe.spec-support.js';
import { referenceVectors } from '../reference-vectors.spec-support.js';
import { createDiffusionModel, type DiffusionModel } from './diffusion-model.js';

const SIGMA_DATA = referenceVectors.sde.edm.sigma_data;
const UNSCALED: readonly RecipeInput['process'][] = [
  { kind: 've', sigmaData: SIGMA_DATA },
  { kind: 'ncsn', sigmaData: SIGMA_DATA },
  { kind: 'ncsn', sigmaData: SIGMA_DATA, noiseConditional: false },
];

function modelOf(process: RecipeInput['process'], prediction: 'epsilon' | 'score' | 'velocity'): DiffusionModel {
  return createDiffusionModel(smallRecipe({ process, objective: { prediction } }));
}

describe.each(UNSCALED)('scores of process %j', (process) => {
  it.each(referenceVectors.sde.edm.precond)("have Karras et al.'s factors at sigma $sigma", (expected) => {
    const { input, skip, output } = modelOf(process, 'score').preconditioning({
      time: 0,
      alpha: 1,
      sigma: expected.sigma,
    });
    expect(skip).toBeCloseTo(expected.c_skip, 12);
    expect(output).toBeCloseTo(expected.c_out, 12);
    expect(input / expected.c_in).toBeCloseTo(1, 12);
  });

  it.each(['epsilon', 'score'] as const)('count errors of %s, not of the raw output', (prediction) => {
    const model = modelOf(process, prediction);
    const number = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        number,
        number,
        number,
        (sigma, x0, epsilon, raw) => {
          const level = { time: 0, alpha: 1, sigma };
          const { skip, output } = model.preconditioning(level);
          const x = x0 + sigma * epsilon;
          // ε̂ = (x - D) / sigma, and sigma·s = -ε̂
          const found = (x - (skip * x + output * raw)) / sigma;
          const right = (x0 - skip * x) / output;
          expect(model.predictionWeight(level) * (raw - right) ** 2).toBeCloseTo((found - epsilon) ** 2, 6);
        },
      ),
    );
  });

  it('let no error of the network grow beyond itself on the way to the image, however strong the noise', () => {
    const model = modelOf(process, 'score');
    for (const sigma of [0.01, 1, 50, 500])
      expect(model.preconditioning({ time: 0, alpha: 1, sigma }).output).toBeLessThanOrEqual(SIGMA_DATA);
  });
});

describe('other predictions', () => {
  it.each([
    [{ kind: 'vp' }, 'epsilon'],
    [{ kind: 'vp' }, 'score'],
    [{ kind: 've' }, 'velocity'],
  ] as const)(
    'of process %j are what the network gives, and all their errors count the same: %s',
    (process, prediction) => {
      const model = modelOf(process, prediction);
      expect(model.output).toBe(prediction);
      expect(model.predictionWeight(model.process.level(0.5))).toBe(1);
    },
  );
});
