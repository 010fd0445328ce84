import * as tf from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';
import { conv2d } from '../layers/convolution.js';
import { groupNorm } from '../layers/group-norm.js';
import { silu } from '../layers/silu.js';
import { ADAMW_SCALARS, adamWScalars, adamWStep, type AdamWSettings } from '../parameters/adamw.js';
import { parameterCount, valueAndGradient } from '../parameters/flat-parameters.js';
import type { Engine, StepFunction, Tensors } from '../program.js';

export const PROBE_BATCH = 8;
const SIZE = 32;
const CHANNELS = 64;
const SETTINGS: AdamWSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
const IMAGES: [number, number, number, number] = [PROBE_BATCH, SIZE, SIZE, 1];
const KERNEL = [3, 3] as const;
const ONES = Array.from({ length: CHANNELS }, () => 1);

/** Convolutions of what a small denoiser has most of, from images to images. */
const MANIFEST = [
  { name: 'in', shape: [CHANNELS, 1, ...KERNEL] },
  { name: 'middle', shape: [CHANNELS, CHANNELS, ...KERNEL] },
  { name: 'out', shape: [1, CHANNELS, ...KERNEL] },
];

const tensorNamed = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);
const vectorNamed = (tensors: Tensors, name: string): tf.Tensor1D => tf.reshape(tensorNamed(tensors, name), [-1]);

function loss(parameters: Tensors, images: tf.Tensor4D): tf.Scalar {
  const convolve = (x: tf.Tensor4D, name: string) => {
    const weight = tensorNamed(parameters, name);
    return conv2d(x, tf.reshape(weight, weight.shape as [number, number, number, number]), undefined, { padding: 1 });
  };
  const gamma = tf.tensor1d(ONES);
  const active = (x: tf.Tensor4D) => silu(groupNorm(x, gamma, gamma, { groups: 8, epsilon: 1e-5 }));
  const hidden = active(convolve(active(convolve(images, 'in')), 'middle'));
  return tf.reshape(tf.mean(tf.squaredDifference(convolve(hidden, 'out'), images)), []);
}

const trainingStep: StepFunction = (inputs, state) => {
  const images: tf.Tensor4D = tf.reshape(tensorNamed(inputs, 'images'), IMAGES);
  const [weights, m, v, ema] = ['weights', 'm', 'v', 'ema'].map((name) => vectorNamed(state, name));
  if (!weights || !m || !v || !ema) throw new RangeError('the probe has four vectors of state');
  const { value, gradient } = valueAndGradient((p) => loss(p, images), weights, MANIFEST);
  const update = { gradient, scalars: vectorNamed(inputs, 'scalars') };
  return { outputs: { loss: value }, state: { ...adamWStep({ weights, m, v, ema }, update, SETTINGS).state } };
};

/** A small training step to time engines by; all numbers are fixed. */
export async function probeProgram(engine: Engine): Promise<{ step(): Promise<number>; dispose(): Promise<void> }> {
  const vector = { shape: [parameterCount(MANIFEST)] };
  const program = await engine.compile(
    trainingStep,
    {
      inputs: { images: { shape: IMAGES }, scalars: { shape: [ADAMW_SCALARS] } },
      state: { weights: vector, m: vector, v: vector, ema: vector },
    },
    { label: 'engine probe' },
  );
  program.writeState(
    'weights',
    Float32Array.from({ length: parameterCount(MANIFEST) }, (_, i) => Math.sin(i) / 16),
  );
  const images = Float32Array.from({ length: PROBE_BATCH * SIZE ** 2 }, (_, i) => Math.cos(i));
  let step = 0;
  return {
    step: async () => {
      const scalars = adamWScalars({ step: ++step, learningRate: 1e-3, emaDecay: 0 }, SETTINGS);
      return (await program.run({ images, scalars }))['loss']?.[0] ?? Number.NaN;
    },
    dispose: () => program.dispose(),
  };
}
