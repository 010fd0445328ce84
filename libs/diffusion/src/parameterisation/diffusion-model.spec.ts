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
const SCALED: readonly RecipeInput['process'][] = [
  { kind: 'ddpm' },
  { kind: 'ddpm', betaSchedule: 'cosine' },
  { kind: 'vp' },
  { kind: 'sub-vp' },
];
const SIGMAS = [0.01, 1, 50, 500];

function modelOf(process: RecipeInput['process'], objective: RecipeInput['objective']): DiffusionModel {
  return createDiffusionModel(smallRecipe({ process, objective, evaluation: { sampler: 'ddim' } }));
}

describe.each(UNSCALED)('scores of process %j', (process) => {
  it.each(referenceVectors.sde.edm.precond)("have Karras et al.'s factors at sigma $sigma", (expected) => {
    const { input, skip, output } = modelOf(process, { prediction: 'score' }).preconditioning({
      time: 0,
      alpha: 1,
      sigma: expected.sigma,
    });
    expect(skip).toBeCloseTo(expected.c_skip, 12);
    expect(output).toBeCloseTo(expected.c_out, 12);
    expect(input / expected.c_in).toBeCloseTo(1, 12);
  });

  it('let no error of the network grow beyond itself on the way to the image, however strong the noise', () => {
    const model = modelOf(process, { prediction: 'score' });
    for (const sigma of SIGMAS)
      expect(model.preconditioning({ time: 0, alpha: 1, sigma }).output).toBeLessThanOrEqual(SIGMA_DATA);
  });
});

const number = fc.double({ min: -2, max: 2, noNaN: true });
const ratios = fc.double({ min: 0.01, max: 100, noNaN: true });

it.each([{ kind: 'ddpm' }, { kind: 'vp' }] as const)(
  'noise prediction of process %j has v of Salimans & Ho as raw output: x_0 = alpha x - sigma v, ε = sigma x + alpha v',
  (process) => {
    const model = modelOf(process, { prediction: 'epsilon' });
    fc.assert(
      fc.property(ratios, number, number, (ratio, x, v) => {
        const { time, alpha, sigma } = model.process.levelAtRatio(ratio);
        const { input, skip, output } = model.preconditioning({ time, alpha, sigma });
        expect(input).toBeCloseTo(1, 9);
        const x0 = skip * x + output * v;
        expect(x0).toBeCloseTo(alpha * x - sigma * v, 9);
        expect((x - alpha * x0) / sigma).toBeCloseTo(sigma * x + alpha * v, 6);
      }),
    );
  },
);

it.each(SCALED)('noise prediction of process %j lets no error grow on the way to the image', (process) => {
  const model = modelOf(process, { prediction: 'epsilon' });
  for (const ratio of SIGMAS) {
    const { output } = model.preconditioning(model.process.levelAtRatio(ratio));
    expect(Math.abs(output)).toBeLessThanOrEqual(1);
  }
});

describe.each([...UNSCALED, ...SCALED])('the loss of process %j', (process) => {
  const objectives: RecipeInput['objective'][] = [
    { prediction: 'epsilon' },
    { prediction: 'score' },
    ...(process.kind === 'ddpm' || process.kind === 'vp'
      ? [{ prediction: 'epsilon', output: 'prediction' } as const]
      : []),
  ];
  it.each(objectives)('of %j counts errors of the noise, not of the raw output', (objective) => {
    const model = modelOf(process, objective);
    fc.assert(
      fc.property(ratios, number, number, number, (ratio, x0, epsilon, raw) => {
        const level = model.process.levelAtRatio(ratio);
        const { skip, output } = model.preconditioning(level);
        const x = level.alpha * x0 + level.sigma * epsilon;
        // ε̂ = (x - alpha D) / sigma, and sigma·s = -ε̂
        const found = (x - level.alpha * (skip * x + output * raw)) / level.sigma;
        const right = (x0 - skip * x) / output;
        expect(model.predictionWeight(level) * (raw - right) ** 2).toBeCloseTo((found - epsilon) ** 2, 6);
      }),
    );
  });
});

describe('raw outputs that are what the loss compares', () => {
  it.each([
    [{ kind: 'ddpm' }, { prediction: 'epsilon', output: 'prediction' }, 'epsilon'],
    [{ kind: 'vp' }, { prediction: 'epsilon', output: 'prediction' }, 'epsilon'],
    [{ kind: 'vp' }, { prediction: 'velocity' }, 'velocity'],
    [{ kind: 've' }, { prediction: 'velocity' }, 'velocity'],
    [{ kind: 'ddpm' }, { prediction: 'sample' }, 'sample'],
  ] as const)('of process %j with %j count all errors the same: %s', (process, objective, output) => {
    const model = modelOf(process, objective);
    expect(model.output).toBe(output);
    expect(model.predictionWeight(model.process.level(0.5))).toBeCloseTo(1, 12);
  });
});
