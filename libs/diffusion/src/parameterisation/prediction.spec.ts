import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createEdmProcess } from '../processes/edm-process.js';
import { createSubVpProcess } from '../processes/vp-process.js';
import { smallRecipe } from '../recipe.spec-support.js';
import { referenceVectors } from '../reference-vectors.spec-support.js';
import { createDiffusionModel } from './diffusion-model.js';
import { preconditioning } from './prediction.js';

const { edm } = referenceVectors.sde;

describe('EDM preconditioning', () => {
  const model = createDiffusionModel(smallRecipe({ process: { kind: 'edm', sigmaData: edm.sigma_data } }));

  it.each(edm.precond)("has Karras et al.'s factors at sigma $sigma", (expected) => {
    const level = createEdmProcess({ sigmaMin: 0.002, sigmaMax: 80 }).level(expected.sigma);
    const { input, skip, output } = model.preconditioning(level);
    expect(skip).toBeCloseTo(expected.c_skip, 12);
    expect(output).toBeCloseTo(expected.c_out, 12);
    expect(input / expected.c_in).toBeCloseTo(1, 12);
    expect(model.conditioning(level)).toBeCloseTo(expected.c_noise, 12);
    // The loss on the raw output is unweighted because lambda(sigma) cOut² = 1.
    expect(expected.weight * output ** 2).toBeCloseTo(1, 9);
  });

  it('refuses a sigmaData that is not positive', () => {
    expect(() => preconditioning('edm', { time: 0, alpha: 1, sigma: 1 }, 0)).toThrow(/sigmaData/);
  });
});

describe('predictions', () => {
  const process = createSubVpProcess({ betaMin: 0.1, betaMax: 20 });
  const number = fc.double({ min: -2, max: 2, noNaN: true });

  it.each(['epsilon', 'sample', 'velocity'] as const)('%s of the true noise gives back the image', (kind) => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 0.9, noNaN: true }), number, number, (time, x0, epsilon) => {
        const level = process.level(time);
        const { alpha, sigma } = level;
        const velocity = (alpha * epsilon - sigma * x0) / Math.hypot(alpha, sigma);
        const truth = { epsilon, sample: x0, velocity }[kind];
        const { skip, output } = preconditioning(kind, level, 1);
        expect(skip * (alpha * x0 + sigma * epsilon) + output * truth).toBeCloseTo(x0, 6);
      }),
    );
  });

  it('hands the network images of unit variance when data has unit variance', () => {
    const { input } = preconditioning('epsilon', { time: 0, alpha: 1, sigma: 7 }, 1);
    expect(input * Math.hypot(1, 7)).toBeCloseTo(1, 12);
  });
});
