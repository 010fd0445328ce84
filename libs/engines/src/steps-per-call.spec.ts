import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { at, product } from '@tributary/onnx-graph';
import { conv2d, groupNorm, silu, valueAndGradient } from '@tributary/layers';
import type { Arrays, Engine, StepFunction, Tensors } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { openEngine } from './open-engine.js';

const STEPS = 5;
const BATCH = { images: [2, 8, 8, 1], labels: [2], rate: [], unread: [3] } as const;
const MANIFEST = [
  { name: 'first', shape: [8, 1, 3, 3] },
  { name: 'last', shape: [1, 8, 3, 3] },
];
const SIGNATURE = {
  inputs: {
    images: { shape: BATCH.images },
    labels: { shape: BATCH.labels, dtype: 'int32' as const },
    rate: { shape: BATCH.rate },
    unread: { shape: BATCH.unread },
  },
  state: {
    weights: { shape: [144] },
    slope: { shape: [144] },
    gamma: { shape: [8] },
    counts: { shape: [3] },
  },
};
const STATE = Object.keys(SIGNATURE.state);

const named = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);

/** Gradient descent on a small denoiser: `gamma` is only read, `slope` only written, `counts` counts labels. */
const step: StepFunction = (inputs, state) => {
  const images: tf.Tensor4D = tf.reshape(named(inputs, 'images'), [2, 8, 8, 1]);
  const gamma: tf.Tensor1D = tf.reshape(named(state, 'gamma'), [8]);
  const loss = (parameters: Tensors) => {
    const first: tf.Tensor4D = tf.reshape(named(parameters, 'first'), [8, 1, 3, 3]);
    const last: tf.Tensor4D = tf.reshape(named(parameters, 'last'), [1, 8, 3, 3]);
    const hidden = silu(
      groupNorm(conv2d(images, first, undefined, { padding: 1 }), gamma, gamma, { groups: 4, epsilon: 1e-5 }),
    );
    const denoised = conv2d(hidden, last, undefined, { padding: 1 });
    return tf.mean<tf.Scalar>(tf.squaredDifference(denoised, images));
  };
  const weights: tf.Tensor1D = tf.reshape(named(state, 'weights'), [144]);
  const { value, gradient } = valueAndGradient(loss, weights, MANIFEST);
  const counts = tf.add(named(state, 'counts'), tf.sum(tf.oneHot(tf.cast(named(inputs, 'labels'), 'int32'), 3), 0));
  return {
    outputs: { loss: value, isLow: tf.less(value, 1), gamma: tf.mul(gamma, 1), counts, before: named(state, 'counts') },
    state: { weights: tf.sub(weights, tf.mul(gradient, named(inputs, 'rate'))), slope: gradient, counts },
  };
};

function drawBatches(): Arrays {
  const random = randomStream(3, 'steps per call');
  const draw = (shape: readonly number[]) =>
    Float32Array.from({ length: STEPS * product(shape) }, () => random.normal());
  return {
    images: draw(BATCH.images),
    labels: Int32Array.from({ length: STEPS * 2 }, () => random.integer(3)),
    rate: Float32Array.from({ length: STEPS }, (_, i) => 0.1 / (i + 1)),
    unread: draw(BATCH.unread),
  };
}

const rowOf = (stack: Float32Array | Int32Array, row: number) =>
  stack.slice((row * stack.length) / STEPS, ((row + 1) * stack.length) / STEPS);

async function programOf(engine: Engine, stepsPerCall: number) {
  const program = await engine.compile(step, SIGNATURE, { stepsPerCall });
  const random = randomStream(4, 'weights');
  program.writeState(
    'weights',
    Float32Array.from({ length: 144 }, () => random.normal() / 3),
  );
  program.writeState('gamma', new Float32Array(8).fill(0.75));
  return program;
}

describe.each(['onnx', 'reference'] as const)('several steps a call on the %s engine', (name) => {
  let engine: Engine;

  afterEach(() => engine.dispose());

  it('give the bits of as many calls: every output of every step, and the state after two calls', async () => {
    engine = await openEngine({ name, threads: 1, layout: 'plain' });
    const stacked = await programOf(engine, STEPS);
    const single = await programOf(engine, 1);
    const batches = drawBatches();
    for (let call = 0; call < 2; call++) {
      const together = await stacked.run(batches);
      for (let row = 0; row < STEPS; row++) {
        const one = await single.run(
          Object.fromEntries(Object.entries(batches).map(([input, stack]) => [input, rowOf(stack, row)])),
        );
        expect(Object.fromEntries(Object.entries(together).map(([key, stack]) => [key, rowOf(stack, row)]))).toEqual(
          one,
        );
      }
      expect(new Set(together['loss']).size).toBe(STEPS);
    }
    for (const key of STATE) expect(await stacked.readState(key)).toEqual(await single.readState(key));
    await Promise.all([stacked.dispose(), single.dispose()]);
  });

  it('refuse inputs of one step, and a number of steps that is no positive integer', async () => {
    engine = await openEngine({ name, threads: 1 });
    const program = await programOf(engine, STEPS);
    const batches = drawBatches();
    await expect(program.run({ ...batches, rate: Float32Array.of(1) })).rejects.toThrow('input rate has 1 numbers');
    await program.dispose();
    for (const stepsPerCall of [0, 1.5, Number.NaN]) {
      await expect(engine.compile(step, SIGNATURE, { stepsPerCall })).rejects.toThrow(RangeError);
    }
  });
});
