import * as tf from '@tensorflow/tfjs-core';
import { at } from '@tributary/onnx-graph';
import {
  ADAMW_SCALARS,
  adamWScalars,
  type AdamWSettings,
  adamWStep,
  conv2d,
  groupNorm,
  parameterCount,
  silu,
  valueAndGradient,
} from '@tributary/layers';
import type { Engine, StepFunction, Tensors } from '@tributary/tensor';

/** Size of the step: images [batch, sizePx, sizePx, 1], and how many channels the convolutions have (a multiple of 8). */
export interface ProbeSize {
  readonly batch: number;
  readonly sizePx: number;
  readonly channels: number;
}

/** Large enough that the time is that of the convolutions. */
export const PROBE_SIZE: ProbeSize = { batch: 8, sizePx: 32, channels: 64 };
const SETTINGS: AdamWSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
const KERNEL = [3, 3] as const;

type Shape4 = [number, number, number, number];

/** The convolutions, from images to images: what a small denoiser has most of. */
const weightShapes = ({ channels }: ProbeSize): Readonly<Record<'first' | 'middle' | 'last', Shape4>> => ({
  first: [channels, 1, ...KERNEL],
  middle: [channels, channels, ...KERNEL],
  last: [1, channels, ...KERNEL],
});
const manifestOf = (size: ProbeSize) => Object.entries(weightShapes(size)).map(([name, shape]) => ({ name, shape }));

const tensorNamed = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);
const vectorNamed = (tensors: Tensors, name: string): tf.Tensor1D => tf.reshape(tensorNamed(tensors, name), [-1]);

function lossOf(parameters: Tensors, images: tf.Tensor4D, size: ProbeSize): tf.Scalar {
  const shapes = weightShapes(size);
  const convolve = (x: tf.Tensor4D, name: keyof typeof shapes) =>
    conv2d(x, tf.reshape(tensorNamed(parameters, name), shapes[name]), undefined, { padding: 1 });
  const gamma = tf.tensor1d(Array.from({ length: size.channels }, () => 1));
  const active = (x: tf.Tensor4D) => silu(groupNorm(x, gamma, gamma, { groups: 8, epsilon: 1e-5 }));
  const hidden = active(convolve(active(convolve(images, 'first')), 'middle'));
  return tf.reshape(tf.mean(tf.squaredDifference(convolve(hidden, 'last'), images)), []);
}

function trainingStep(size: ProbeSize): StepFunction {
  return (inputs, state) => {
    const images: tf.Tensor4D = tf.reshape(tensorNamed(inputs, 'images'), [size.batch, size.sizePx, size.sizePx, 1]);
    const [weights, m, v, ema] = ['weights', 'm', 'v', 'ema'].map((name) => vectorNamed(state, name));
    if (!weights || !m || !v || !ema) throw new RangeError('the probe has four vectors of state');
    const { value, gradient } = valueAndGradient((p) => lossOf(p, images, size), weights, manifestOf(size));
    const update = { gradient, scalars: vectorNamed(inputs, 'scalars') };
    return { outputs: { loss: value }, state: { ...adamWStep({ weights, m, v, ema }, update, SETTINGS).state } };
  };
}

/** A small training step to time engines by; all numbers are fixed. `step` gives the loss. */
export async function probeProgram(
  engine: Engine,
  size: ProbeSize = PROBE_SIZE,
): Promise<{ step(): Promise<number>; dispose(): Promise<void> }> {
  const { batch, sizePx } = size;
  const count = parameterCount(manifestOf(size));
  const vector = { shape: [count] };
  const inputs = { images: { shape: [batch, sizePx, sizePx, 1] }, scalars: { shape: [ADAMW_SCALARS] } };
  const state = { weights: vector, m: vector, v: vector, ema: vector };
  const program = await engine.compile(trainingStep(size), { inputs, state }, { label: 'engine probe' });
  program.writeState(
    'weights',
    Float32Array.from({ length: count }, (_, i) => Math.sin(i) / 16),
  );
  const images = Float32Array.from({ length: batch * sizePx ** 2 }, (_, i) => Math.cos(i));
  let step = 0;
  return {
    step: async () => {
      const scalars = adamWScalars({ step: ++step, learningRate: 1e-3, emaDecay: 0 }, SETTINGS);
      return (await program.run({ images, scalars }))['loss']?.[0] ?? Number.NaN;
    },
    dispose: () => program.dispose(),
  };
}
