import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import { adamWScalars, type AdamWSettings, type AdamWState, adamWStep } from './adamw.js';

const rows = z.array(z.tuple([z.number(), z.number()])).length(6);
const { optimizers: vectors } = z
  .object({
    optimizers: z.object({
      adamw: rows,
      adam: rows,
      adamw_amsgrad: rows,
      'clip_grad_norm_1.0_of_[3,4]': z.tuple([z.number(), z.number()]),
    }),
  })
  .parse(
    JSON.parse(readFileSync(join(import.meta.dirname, '../../../../test/vectors/diffusion-vectors.json'), 'utf8')),
  );

const LEARNING_RATE = 0.01;
const TORCH_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

function stateAt(weights: readonly number[], isAmsgrad: boolean): AdamWState {
  const zeros = (): tf.Tensor1D => tf.zeros([weights.length]);
  const state = { weights: tf.tensor1d([...weights]), m: zeros(), v: zeros(), ema: zeros() };
  return isAmsgrad ? { ...state, vMax: zeros() } : state;
}

/** The weights after each step on the reference's objective Σ ½ c p², c = [1, 10], from p = [1, -0.5]. */
function descent(settings: AdamWSettings, { steps, isAmsgrad = false }: { steps: number; isAmsgrad?: boolean }) {
  let state = stateAt([1, -0.5], isAmsgrad);
  return Array.from({ length: steps }, (_, i) => {
    const gradient: tf.Tensor1D = tf.mul(state.weights, tf.tensor1d([1, 10]));
    const scalars = adamWScalars({ step: i + 1, learningRate: LEARNING_RATE, emaDecay: 0 }, settings);
    state = adamWStep(state, { gradient, scalars: tf.tensor1d(scalars) }, settings).state;
    return [...state.weights.dataSync()];
  });
}

function expectRows(actual: readonly number[][], expected: readonly (readonly number[])[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((row, i) => row.forEach((value, j) => expect(actual[i]?.[j]).toBeCloseTo(value, 6)));
}

describe('adamWStep', () => {
  beforeAll(useMendedCpu);

  it('takes the steps of PyTorch with weight decay, without, and with the largest second moment', () => {
    const steps = vectors.adamw.length;
    expectRows(descent({ ...TORCH_DEFAULTS, weightDecay: 0.01 }, { steps }), vectors.adamw);
    expectRows(descent(TORCH_DEFAULTS, { steps }), vectors.adam);
    expectRows(descent({ ...TORCH_DEFAULTS, weightDecay: 0.01 }, { steps, isAmsgrad: true }), vectors.adamw_amsgrad);
  });

  it('clips a gradient as PyTorch does', () => {
    const settings = { ...TORCH_DEFAULTS, beta1: 0, clipNorm: 1 };
    const scalars = tf.tensor1d(adamWScalars({ step: 1, learningRate: 1, emaDecay: 0 }, settings));
    const { state, gradientNorm } = adamWStep(
      stateAt([0, 0], false),
      { gradient: tf.tensor1d([3, 4]), scalars },
      settings,
    );
    expect(gradientNorm.arraySync()).toBe(5);
    expectRows([[...state.m.dataSync()]], [vectors['clip_grad_norm_1.0_of_[3,4]']]);
  });

  it('never divides by less than before with the largest second moment (Reddi et al. 2018)', () => {
    // One large gradient, then small ones: v falls by 0.9 a step, its largest value stays.
    const settings = { beta1: 0, beta2: 0.9, epsilon: 0, weightDecay: 0 };
    let state = stateAt([0], true);
    const moves = [10, 1, 1, 1].map((gradient, i) => {
      const scalars = tf.tensor1d(adamWScalars({ step: i + 1, learningRate: 1, emaDecay: 0 }, settings));
      const before = state.weights.dataSync()[0] ?? NaN;
      state = adamWStep(state, { gradient: tf.tensor1d([gradient]), scalars }, settings).state;
      return before - (state.weights.dataSync()[0] ?? NaN);
    });
    // v = 10 at once and at most 10 later; step t moves by g sqrt(1 - 0.9^t) / sqrt(10).
    const expected = [10, 1, 1, 1].map((gradient, i) => gradient * Math.sqrt((1 - 0.9 ** (i + 1)) / 10));
    moves.forEach((move, i) => expect(move).toBeCloseTo(expected[i] ?? NaN, 5));
  });
});
