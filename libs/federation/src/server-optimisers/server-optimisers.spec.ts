import { describe, expect, it } from '@jest/globals';
import { serverAdamW } from './adamw.js';
import { serverAdagrad, serverAdam, serverYogi } from './adaptive.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { controlVariates } from './control-variates.js';
import { serverMomentum } from './momentum.js';
import type { ServerOptimiser } from './server-optimiser.js';
import { serverSgd } from './sgd.js';

const trajectorySchema = z.array(z.array(z.number())).length(6);
const { optimizers: pytorch } = z
  .object({ optimizers: z.object({ sgd_momentum: trajectorySchema, adamw: trajectorySchema }) })
  .parse(
    JSON.parse(readFileSync(join(import.meta.dirname, '../../../../test/vectors/diffusion-vectors.json'), 'utf8')),
  );

/** Feeds one parameter's updates round by round; returns the weights after each. State starts as the optimiser says. */
function trajectory(optimiser: ServerOptimiser, rounds: readonly (readonly number[])[], start: number): number[] {
  let weights = Float32Array.of(start);
  let state = optimiser.stateVectors.map(({ initial }) => Float32Array.of(initial));
  return rounds.map((deltas) => {
    const nextWeights = Float32Array.of(NaN);
    const nextState = state.map(() => Float32Array.of(NaN));
    optimiser.step({ weights, deltas: deltas.map((delta) => Float64Array.of(delta)), state, nextWeights, nextState });
    [weights, state] = [nextWeights, nextState];
    return weights[0] ?? NaN;
  });
}

function expectTrajectory(actual: readonly number[], expected: readonly number[]): void {
  for (const [round, value] of expected.entries()) expect(actual[round]).toBeCloseTo(value, 5);
}

describe('server optimisers', () => {
  it('SGD steps along the update: 10 + 0.5 * 4 = 12, 12 - 0.5 * 2 = 11', () => {
    expectTrajectory(trajectory(serverSgd(0.5), [[4], [-2]], 10), [12, 11]);
  });

  it('momentum sums what fades: v = 4, 0.5 * 4 - 2 = 0, 0.5 * 0 + 1 = 1', () => {
    expectTrajectory(trajectory(serverMomentum(0.5, 0.5), [[4], [-2], [1]], 10), [12, 12, 12.5]);
  });

  it('momentum takes the steps of PyTorch with the gradient of Σ ½ c p² as update', () => {
    [1, 10].forEach((curvature, parameter) => {
      let weight = parameter === 0 ? 1 : -0.5;
      let velocity = Float32Array.of(0);
      for (const expected of pytorch.sgd_momentum) {
        const [nextWeights, nextVelocity] = [Float32Array.of(NaN), Float32Array.of(NaN)];
        serverMomentum(0.01, 0.9).step({
          weights: Float32Array.of(weight),
          deltas: [Float64Array.of(-curvature * weight)],
          state: [velocity],
          nextWeights,
          nextState: [nextVelocity],
        });
        [weight, velocity] = [nextWeights[0] ?? NaN, nextVelocity];
        expect(weight).toBeCloseTo(expected[parameter] ?? NaN, 6);
      }
    });
  });

  it('AdamW takes the steps of PyTorch with the negative gradient of Σ ½ c p² as update', () => {
    const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
    const curvature = [1, 10];
    let weights = Float32Array.of(1, -0.5);
    let state = [new Float32Array(2), new Float32Array(2)];
    for (const [round, expected] of pytorch.adamw.entries()) {
      const nextWeights = new Float32Array(2);
      const nextState = [new Float32Array(2), new Float32Array(2)];
      const deltas = [Float64Array.from(weights, (weight, i) => -(curvature[i] ?? NaN) * weight)];
      serverAdamW({ ...settings, step: round + 1 }).step({ weights, deltas, state, nextWeights, nextState });
      [weights, state] = [nextWeights, nextState];
      for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(expected[i] ?? NaN, 6);
    }
  });

  it('AdamW does not step without its settings', () => {
    expect(() => trajectory(serverAdamW(), [[1]], 0)).toThrow(RangeError);
  });

  it('Adagrad divides by the root of all squares so far', () => {
    // tau 0.1, beta1 0: v = 0.01 + 9 = 9.01, then 9.01 + 16 = 25.01.
    const first = (0.5 * 3) / (Math.sqrt(9.01) + 0.1);
    const second = first + (0.5 * -4) / (Math.sqrt(25.01) + 0.1);
    const options = { learningRate: 0.5, beta1: 0, tau: 0.1 };
    expectTrajectory(trajectory(serverAdagrad(options), [[3], [-4]], 0), [first, second]);
  });

  it('Adam averages squares: v = 0.75 * 0.01 + 0.25 * 9 = 2.2575, then 0.75 * 2.2575 + 0.25 * 16 = 5.693125', () => {
    // m = 0.2 * 3 = 0.6, then 0.8 * 0.6 - 0.2 * 4 = -0.32.
    const first = (0.5 * 0.6) / (Math.sqrt(2.2575) + 0.1);
    const second = first + (0.5 * -0.32) / (Math.sqrt(5.693125) + 0.1);
    const options = { learningRate: 0.5, beta1: 0.8, beta2: 0.75, tau: 0.1 };
    expectTrajectory(trajectory(serverAdam(options), [[3], [-4]], 0), [first, second]);
  });

  it('Yogi moves by a fixed share of the square, up or down', () => {
    // v = 0.01 + 0.25 * 9 = 2.26, then 2.26 - 0.25 * 1 = 2.01 (the square is below v).
    const first = (0.5 * 3) / (Math.sqrt(2.26) + 0.1);
    const second = first + (0.5 * -1) / (Math.sqrt(2.01) + 0.1);
    const options = { learningRate: 0.5, beta1: 0, beta2: 0.75, tau: 0.1 };
    expectTrajectory(trajectory(serverYogi(options), [[3], [-1]], 0), [first, second]);
  });

  it('SCAFFOLD steps along the weights and its control variate along the combined change', () => {
    const optimiser = controlVariates(0.5);
    const nextWeights = Float32Array.of(NaN);
    const nextControl = Float32Array.of(NaN);
    optimiser.step({
      weights: Float32Array.of(10),
      deltas: [Float64Array.of(2), Float64Array.of(4)],
      state: [Float32Array.of(1)],
      nextWeights,
      nextState: [nextControl],
    });
    expect([nextWeights[0], nextControl[0]]).toEqual([12, 3]);
  });

  it('names its state vectors in ascending order, as the files of a round do', () => {
    const adaptive = { learningRate: 1, beta1: 0.9, beta2: 0.99, tau: 1e-3 };
    for (const { stateVectors } of [serverAdam(adaptive), serverAdamW(), serverMomentum(1, 0.9), controlVariates(1)]) {
      const names = stateVectors.map(({ name }) => name);
      expect(names).toEqual(names.toSorted());
    }
  });
});
