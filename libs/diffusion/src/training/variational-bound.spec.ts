import { beforeAll, describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { CLEAN, type NoiseLevel } from '../processes/noise-process.js';
import { DDPM_FIELDS, smallRecipe } from '../recipe.spec-support.js';
import { posterior } from '../samplers/posterior.js';
import { boundTerms, weightedBound } from './variational-bound.js';

const T = 100;
const modelOf = (output: 'preconditioned' | 'prediction'): DiffusionModel =>
  createDiffusionModel(
    smallRecipe({ ...DDPM_FIELDS, objective: { prediction: 'epsilon', output, variance: 'learned' } }),
  );
/** Raw outputs with how much an error of theirs moves the estimate of the clean image. */
const OUTPUTS = [
  { name: 'v', model: modelOf('preconditioned'), growth: ({ sigma }: NoiseLevel) => sigma },
  { name: 'the noise', model: modelOf('prediction'), growth: ({ sigma, alpha }: NoiseLevel) => sigma / alpha },
];
const { process } = modelOf('preconditioned');

/** One value's error in the raw output, and what is said of its variance. */
interface Said {
  readonly error: number;
  readonly variance: number;
}

function boundOf(model: DiffusionModel, time: number, { error, variance }: Said): number {
  const terms = boundTerms(model, process.level(time));
  const one = (value: number): tf.Tensor2D => tf.tensor2d([value], [1, 1]);
  const inputs = { variance: one(variance), error: one(error), terms: tf.tensor2d(terms, [1, terms.length]) };
  return weightedBound(inputs).dataSync()[0] ?? NaN;
}

/** Simpson's rule. */
function integrate(f: (x: number) => number, from: number, to: number): number {
  const pieces = 4000;
  const h = (to - from) / pieces;
  let sum = f(from) + f(to);
  for (let i = 1; i < pieces; i++) sum += f(from + i * h) * (i % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}

function logNormal(x: number, mean: number, variance: number): number {
  return -0.5 * (Math.log(2 * Math.PI * variance) + (x - mean) ** 2 / variance);
}

describe.each(OUTPUTS)('the variational bound where the raw output is $name', ({ model, growth }) => {
  beforeAll(() => openEngine({ name: 'reference' }));

  it('is the divergence of the two ways back, integrated numerically, times lambda T', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: T - 1 }),
        fc.double({ min: -0.5, max: 0.5, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (time, error, variance) => {
          const level = process.level(time);
          const q = posterior(level, process.level(time - 1));
          const shift = q.factorOfDenoised * growth(level) * error;
          const share = (variance + 1) / 2;
          const modelVariance = q.variance ** (1 - share) * q.forwardVariance ** share;
          const width = 12 * Math.sqrt(q.variance);
          const nats = integrate(
            (x) => {
              const logQ = logNormal(x, 0, q.variance);
              return Math.exp(logQ) * (logQ - logNormal(x, shift, modelVariance));
            },
            -width,
            width,
          );
          const expected = (0.001 * T * nats) / Math.LN2;
          expect(Math.abs(boundOf(model, time, { error, variance }) - expected)).toBeLessThan(
            2e-5 * Math.max(1, expected),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is the negative log density of the image at the first step', () => {
    const level = process.level(0);
    const { forwardVariance } = posterior(level, CLEAN);
    const error = 0.3;
    const nats = -logNormal(growth(level) * error, 0, forwardVariance);
    expect(boundOf(model, 0, { error, variance: 1 })).toBeCloseTo((0.001 * T * nats) / Math.LN2, 5);
  });

  it('is least for the variance of the posterior when the mean is right', () => {
    const bounds = [-1, -0.5, 0, 1].map((variance) => boundOf(model, 3, { error: 0, variance }));
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    expect(bounds[0]).toBeCloseTo(0, 6);
  });
});
