import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { at } from '@tributary/onnx-graph';
import type { Tensors } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { ADAMW_SCALARS, adamWScalars, type AdamWSettings, type AdamWState, adamWStep } from './adamw.js';

const SIZE = 5;
const SETTINGS: AdamWSettings = { beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1, clipNorm: 1.5 };
const LEARNING_RATE = 0.03;
const EMA_DECAY = 0.9;

type Vectors = Record<'weights' | 'm' | 'v' | 'ema', number[]>;

/** The algorithm of Loshchilov and Hutter in double precision, one number at a time. */
function expectedStep({ weights, m, v, ema }: Vectors, gradient: number[], step: number): Vectors {
  const { beta1, beta2, epsilon, weightDecay, clipNorm = Infinity } = SETTINGS;
  const norm = Math.hypot(...gradient);
  const next: Vectors = { weights: [], m: [], v: [], ema: [] };
  gradient.forEach((raw, i) => {
    const g = raw * Math.min(1, clipNorm / (norm + 1e-6));
    const m1 = beta1 * at(m, i) + (1 - beta1) * g;
    const v1 = beta2 * at(v, i) + (1 - beta2) * g * g;
    const mHat = m1 / (1 - beta1 ** step);
    const vHat = v1 / (1 - beta2 ** step);
    const w1 = at(weights, i) - LEARNING_RATE * (mHat / (Math.sqrt(vHat) + epsilon) + weightDecay * at(weights, i));
    next.m.push(m1);
    next.v.push(v1);
    next.weights.push(w1);
    next.ema.push(EMA_DECAY * at(ema, i) + (1 - EMA_DECAY) * w1);
  });
  return next;
}

const vector = (tensors: Tensors, name: string): tf.Tensor1D => tf.reshape(at([tensors[name]], 0), [-1]);
const stateOf = (s: Tensors): AdamWState => ({
  weights: vector(s, 'weights'),
  m: vector(s, 'm'),
  v: vector(s, 'v'),
  ema: vector(s, 'ema'),
});

describe('adamWStep', () => {
  it.each(['onnx', 'reference'] as const)(
    'follows the algorithm for three steps on %s, clipped and unclipped',
    async (name) => {
      const engine = await openEngine({ name, threads: 1 });
      const state = { weights: { shape: [SIZE] }, m: { shape: [SIZE] }, v: { shape: [SIZE] }, ema: { shape: [SIZE] } };
      const inputs = { gradient: { shape: [SIZE] }, scalars: { shape: [ADAMW_SCALARS] } };
      const program = await engine.compile(
        (i, s) => {
          const update = { gradient: vector(i, 'gradient'), scalars: vector(i, 'scalars') };
          const result = adamWStep(stateOf(s), update, SETTINGS);
          return { outputs: { norm: result.gradientNorm }, state: { ...result.state } };
        },
        { inputs, state },
      );
      const random = randomStream(3, 'adamw');
      let expected: Vectors = {
        weights: Array.from({ length: SIZE }, () => random.normal()),
        m: new Array<number>(SIZE).fill(0),
        v: new Array<number>(SIZE).fill(0),
        ema: new Array<number>(SIZE).fill(0.25),
      };
      program.writeState('weights', Float32Array.from(expected.weights));
      program.writeState('ema', Float32Array.from(expected.ema));
      for (const [i, scale] of [0.2, 4, 1].entries()) {
        const gradient = Array.from({ length: SIZE }, () => Math.fround(scale * random.normal()));
        const scalars = adamWScalars({ step: i + 1, learningRate: LEARNING_RATE, emaDecay: EMA_DECAY }, SETTINGS);
        const { norm } = await program.run({ gradient: Float32Array.from(gradient), scalars });
        expected = expectedStep(expected, gradient, i + 1);
        expect(at([norm], 0)[0]).toBeCloseTo(Math.hypot(...gradient), 5);
      }
      for (const key of ['weights', 'm', 'v', 'ema'] as const) {
        (await program.readState(key)).forEach((value, i) => expect(value).toBeCloseTo(at(expected[key], i), 6));
      }
      await program.dispose();
    },
  );

  it('counts steps from 1', () => {
    expect(() => adamWScalars({ step: 0, learningRate: 1, emaDecay: 0 }, SETTINGS)).toThrow(RangeError);
  });
});
