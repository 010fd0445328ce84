import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '../graph/shapes.js';
import { ADAMW_SCALARS, adamWScalars, adamWStep, type AdamWSettings } from '../parameters/adamw.js';
import { parameterCount, unflatten, valueAndGradient } from '../parameters/flat-parameters.js';
import type { Engine, Program, StepFunction, Tensors, TensorSpec } from '../program.js';
import { randomStream } from '../random/random-stream.js';
import { benchNetwork, type BenchNetwork, type BenchNetworkConfig } from './bench-network.js';

/** One row of the benchmark: a network, and the images that it is trained on. */
export interface BenchSize {
  readonly name: string;
  readonly imageSize: number;
  readonly batch: number;
  readonly network: BenchNetworkConfig;
}

export interface BenchPrograms {
  readonly parameters: number;
  /** One optimiser step. */
  train(): Promise<number>;
  /** One forward pass. */
  sample(): Promise<void>;
  dispose(): Promise<void>;
}

const SETTINGS: AdamWSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
const SCHEDULE = { learningRate: 1e-3, emaDecay: 0.999 };

const tensorNamed = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);
const vectorNamed = (tensors: Tensors, name: string): tf.Tensor1D => tf.reshape(tensorNamed(tensors, name), [-1]);

/** Compiles training and sampling of one size. Weights, images and noise come from a fixed seed. */
export async function benchPrograms(engine: Engine, size: BenchSize): Promise<BenchPrograms> {
  const network = benchNetwork(size.network);
  const count = parameterCount(network.manifest);
  const { arrays, signature } = benchInputs(size);
  const vector = { shape: [count] };
  const training = await engine.compile(
    trainingStep(network, size),
    {
      inputs: { ...signature, target: signature.images, scalars: { shape: [ADAMW_SCALARS] } },
      state: { weights: vector, m: vector, v: vector, ema: vector },
    },
    { label: `${size.name} training` },
  );
  const sampling = await engine.compile(
    (i, s) => ({
      outputs: { images: predict(network, size, { p: unflatten(vectorNamed(s, 'weights'), network.manifest), i }) },
    }),
    { inputs: signature, state: { weights: vector } },
    { label: `${size.name} sampling` },
  );
  const weights = initialWeights(size);
  training.writeState('weights', weights);
  sampling.writeState('weights', weights);
  return { parameters: count, ...runners({ training, sampling, arrays }) };
}

function predict(
  network: BenchNetwork,
  { batch, imageSize }: BenchSize,
  { p, i }: { p: Tensors; i: Tensors },
): tf.Tensor {
  const shape: [number, number, number, number] = [batch, imageSize, imageSize, 1];
  const images: tf.Tensor4D = tf.reshape(tensorNamed(i, 'images'), shape);
  const time: tf.Tensor2D = tf.reshape(tensorNamed(i, 'time'), [batch, -1]);
  return network.forward(p, images, time);
}

function trainingStep(network: BenchNetwork, size: BenchSize): StepFunction {
  return (i, s) => {
    const loss = (p: Tensors): tf.Scalar =>
      tf.reshape(tf.mean(tf.squaredDifference(predict(network, size, { p, i }), tensorNamed(i, 'target'))), []);
    const { value, gradient } = valueAndGradient(loss, vectorNamed(s, 'weights'), network.manifest);
    const state = {
      weights: vectorNamed(s, 'weights'),
      m: vectorNamed(s, 'm'),
      v: vectorNamed(s, 'v'),
      ema: vectorNamed(s, 'ema'),
    };
    const update = adamWStep(state, { gradient, scalars: vectorNamed(i, 'scalars') }, SETTINGS);
    return { outputs: { loss: value }, state: { ...update.state } };
  };
}

function runners({
  training,
  sampling,
  arrays,
}: {
  training: Program;
  sampling: Program;
  arrays: Record<'images' | 'time' | 'target', Float32Array>;
}): Omit<BenchPrograms, 'parameters'> {
  let step = 0;
  const { images, time } = arrays;
  return {
    train: async () => {
      const scalars = adamWScalars({ step: ++step, ...SCHEDULE }, SETTINGS);
      const { loss } = await training.run({ ...arrays, scalars });
      return loss?.[0] ?? Number.NaN;
    },
    sample: async () => {
      await sampling.run({ images, time });
    },
    dispose: async () => {
      await training.dispose();
      await sampling.dispose();
    },
  };
}

function benchInputs({ imageSize, batch, network }: BenchSize): {
  arrays: Record<'images' | 'time' | 'target', Float32Array>;
  signature: Record<'images' | 'time', TensorSpec>;
} {
  const images = [batch, imageSize, imageSize, 1];
  const time = [batch, at(network.channels, 0)];
  const draw = (name: string, shape: number[]) => {
    const values = new Float32Array(product(shape));
    randomStream(1, 'bench', name).fillNormal(values);
    return values;
  };
  const arrays = { images: draw('images', images), target: draw('target', images), time: draw('time', time) };
  return { arrays, signature: { images: { shape: images }, time: { shape: time } } };
}

/** Normal with the variance 1 / fan-in; norms start at 1, biases at 0. */
function initialWeights({ network }: BenchSize): Float32Array {
  const { manifest } = benchNetwork(network);
  const weights = new Float32Array(parameterCount(manifest));
  const random = randomStream(1, 'bench', 'weights');
  let offset = 0;
  for (const { name, shape } of manifest) {
    const values = weights.subarray(offset, offset + product(shape));
    if (shape.length > 1) {
      const deviation = 1 / Math.sqrt(product(shape.slice(1)));
      for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
    } else if (name.includes('norm') && name.endsWith('.weight')) values.fill(1);
    offset += values.length;
  }
  return weights;
}
