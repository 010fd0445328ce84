import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '../graph/shapes.js';
import { ADAMW_SCALARS, adamWScalars, adamWStep, type AdamWSettings } from '../parameters/adamw.js';
import { parameterCount, unflatten, valueAndGradient } from '../parameters/flat-parameters.js';
import type { Arrays, Engine, Program, Tensors } from '../program.js';
import { randomStream } from '../random/random-stream.js';
import { benchNetwork, type BenchNetworkConfig } from './bench-network.js';

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

const tensorNamed = <T extends tf.Tensor>(tensors: Tensors, name: string): T => at([tensors[name]], 0) as T;

/** Compiles training and sampling of one size. Weights, images and noise come from a fixed seed. */
export async function benchPrograms(engine: Engine, size: BenchSize): Promise<BenchPrograms> {
  const { manifest, forward } = benchNetwork(size.network);
  const count = parameterCount(manifest);
  const { inputs, signature } = benchInputs(size);
  const vector = { shape: [count] };
  const predict = (p: Tensors, i: Tensors) =>
    forward(p, tensorNamed<tf.Tensor4D>(i, 'images'), tensorNamed<tf.Tensor2D>(i, 'time'));
  const training = await engine.compile(
    (i, s) => {
      const loss = (p: Tensors) => tf.mean<tf.Scalar>(tf.squaredDifference(predict(p, i), tensorNamed(i, 'target')));
      const { value, gradient } = valueAndGradient(loss, tensorNamed(s, 'weights'), manifest);
      const state = {
        weights: tensorNamed<tf.Tensor1D>(s, 'weights'),
        m: tensorNamed<tf.Tensor1D>(s, 'm'),
        v: tensorNamed<tf.Tensor1D>(s, 'v'),
        ema: tensorNamed<tf.Tensor1D>(s, 'ema'),
      };
      const update = adamWStep(state, { gradient, scalars: tensorNamed(i, 'scalars') }, SETTINGS);
      return { outputs: { loss: value }, state: { ...update.state } };
    },
    {
      inputs: { ...signature, target: at([signature['images']], 0), scalars: { shape: [ADAMW_SCALARS] } },
      state: { weights: vector, m: vector, v: vector, ema: vector },
    },
    { label: `${size.name} training` },
  );
  const sampling = await engine.compile(
    (i, s) => ({ outputs: { images: predict(unflatten(tensorNamed(s, 'weights'), manifest), i) } }),
    { inputs: signature, state: { weights: vector } },
    { label: `${size.name} sampling` },
  );
  const weights = initialWeights(size);
  training.writeState('weights', weights);
  sampling.writeState('weights', weights);
  return { parameters: count, ...runners({ training, sampling, inputs }) };
}

function runners({
  training,
  sampling,
  inputs,
}: {
  training: Program;
  sampling: Program;
  inputs: Arrays;
}): Omit<BenchPrograms, 'parameters'> {
  let step = 0;
  const { target, ...sampled } = inputs;
  return {
    train: async () => {
      const scalars = adamWScalars({ step: ++step, ...SCHEDULE }, SETTINGS);
      const { loss } = await training.run({ ...inputs, scalars });
      return loss?.[0] ?? Number.NaN;
    },
    sample: async () => {
      await sampling.run(sampled);
    },
    dispose: async () => {
      await training.dispose();
      await sampling.dispose();
    },
  };
}

function benchInputs({ imageSize, batch, network }: BenchSize): {
  inputs: Arrays;
  signature: Record<string, { shape: number[] }>;
} {
  const images = [batch, imageSize, imageSize, 1];
  const time = [batch, at(network.channels, 0)];
  const draw = (name: string, shape: number[]) => {
    const values = new Float32Array(product(shape));
    randomStream(1, 'bench', name).fillNormal(values);
    return values;
  };
  const inputs = { images: draw('images', images), target: draw('target', images), time: draw('time', time) };
  return { inputs, signature: { images: { shape: images }, time: { shape: time } } };
}

/** Normal with the variance 1 / fan-in; norms start at 1, biases at 0. */
export function initialWeights({ network }: BenchSize): Float32Array {
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
