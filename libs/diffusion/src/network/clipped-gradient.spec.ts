import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { clippedGradient, valueAndGradient } from '@tributary/layers';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Arrays, Engine, StepFunction, Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf } from './tensor-of.js';
import { createUNet, type Network } from './unet.js';
import type { UNetConfig } from './unet-config.js';

jest.setTimeout(120_000);

const BATCH = 4;
const SIZE = 8;
const EXAMPLE = SIZE ** 2;
/** float32 sums over the whole network in another order. */
const TOLERANCE = 1e-4;

const CLASS_CONDITIONAL: UNetConfig = {
  imageSize: SIZE,
  inChannels: 1,
  outChannels: 1,
  blockOutChannels: [8, 16],
  layersPerBlock: 1,
  attention: [false, true],
  attentionHeadDim: 8,
  normGroups: 4,
  normEpsilon: 1e-5,
  dropout: 0,
  timeEmbedding: 'positional',
  resample: 'conv',
  timeScaleShift: false,
  classRows: 5,
  downsamplePadding: 1,
  flipSinToCos: true,
  frequencyShift: 0,
};

const CONFIGS: readonly (readonly [string, UNetConfig])[] = [
  ['conditional on classes, attention heads', CLASS_CONDITIONAL],
  [
    'Fourier features, resnet resampling, scale and shift by time',
    { ...CLASS_CONDITIONAL, classRows: 0, timeEmbedding: 'fourier', resample: 'resnet', timeScaleShift: true },
  ],
];

/** Weighted squared error of every example, [batch]. */
function losses({ forward }: Network, parameters: Tensors, inputs: Tensors): tf.Tensor1D {
  const output = forward({ parameters }, tensorOf(inputs, 'image', tf.Rank.R4), {
    noiseLevel: tensorOf(inputs, 'noiseLevel', tf.Rank.R1),
    classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
  });
  const squared = tf.square(tf.sub(output, tensorOf(inputs, 'target', tf.Rank.R4)));
  return tf.mean(tf.reshape(squared, [-1, EXAMPLE]), 1);
}

function drawBatch(): Arrays {
  const random = randomStream(9, 'clipped gradient of a U-Net');
  const image = new Float32Array(BATCH * EXAMPLE);
  const target = new Float32Array(BATCH * EXAMPLE);
  random.fillNormal(image);
  random.fillNormal(target);
  const noiseLevel = Float32Array.from({ length: BATCH }, () => 0.1 + random.uniform());
  return { image, target, noiseLevel, classRow: Int32Array.of(3, 0, 3, 4) };
}

function compile(engine: Engine, network: Network, { batch, step }: { batch: number; step: StepFunction }) {
  const images = { shape: [batch, SIZE, SIZE, 1] };
  const inputs = {
    image: images,
    target: images,
    noiseLevel: { shape: [batch] },
    classRow: { shape: [batch], dtype: 'int32' as const },
  };
  return engine.compile(step, { inputs, state: { weights: { shape: [network.parameterCount] } } });
}

/** Random weights everywhere: zero-initialised layers would hide what lies behind them. */
function weightsOf(network: Network): Float32Array {
  const weights = network.initial(2);
  const random = randomStream(9, 'weights');
  return weights.map((value) => value + 0.1 * random.normal());
}

interface Clipped {
  readonly gradient: Float32Array;
  readonly norms: Float32Array;
}

async function clippedOneByOne(engine: Engine, network: Network, clipNorm: number): Promise<Clipped> {
  const program = await compile(engine, network, {
    batch: 1,
    step: (inputs, state) => {
      const loss = (parameters: Tensors): tf.Scalar => tf.reshape(losses(network, parameters, inputs), []);
      return { outputs: { ...valueAndGradient(loss, tensorOf(state, 'weights', tf.Rank.R1), network.manifest) } };
    },
  });
  program.writeState('weights', weightsOf(network));
  const batch = Object.entries(drawBatch());
  const sum = new Float64Array(network.parameterCount);
  const norms = new Float32Array(BATCH);
  for (let example = 0; example < BATCH; example++) {
    const part = batch.map(([name, values]) => {
      const size = values.length / BATCH;
      return [name, values.slice(example * size, (example + 1) * size)] as const;
    });
    const { gradient } = await program.run(Object.fromEntries(part));
    const single = Float32Array.from(gradient ?? []);
    const norm = Math.sqrt(single.reduce((total, g) => total + g ** 2, 0));
    single.forEach((g, i) => (sum[i] = (sum[i] ?? 0) + g * Math.min(1, clipNorm / norm)));
    norms[example] = norm;
  }
  await program.dispose();
  return { gradient: Float32Array.from(sum), norms };
}

async function clippedAtOnce(engine: Engine, network: Network, clipNorm: number): Promise<Clipped> {
  const program = await compile(engine, network, {
    batch: BATCH,
    step: (inputs, state) => {
      const { gradient, norms } = clippedGradient(
        (parameters) => losses(network, parameters, inputs),
        tensorOf(state, 'weights', tf.Rank.R1),
        { manifest: network.manifest, clipNorm },
      );
      return { outputs: { gradient, norms } };
    },
  });
  program.writeState('weights', weightsOf(network));
  const { gradient, norms } = await program.run(drawBatch());
  const result = { gradient: Float32Array.from(gradient ?? []), norms: Float32Array.from(norms ?? []) };
  await program.dispose();
  return result;
}

/** Length of the difference over the length of `expected`. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const difference = actual.map((value, i) => value - (expected[i] ?? NaN));
  return Math.hypot(...difference) / Math.hypot(...expected);
}

describe('clippedGradient of the U-Net, unchanged', () => {
  let onnx: Engine;

  beforeAll(async () => {
    onnx = await openEngine({ name: 'onnx', threads: 1 });
  });

  afterAll(() => onnx.dispose());

  it.each(CONFIGS)('is the sum of gradients clipped one by one: %s', async (_, config) => {
    const network = createUNet(config);
    const { norms } = await clippedOneByOne(onnx, network, Infinity);
    const clipNorm = Math.sqrt(Math.min(...norms) * Math.max(...norms));
    const expected = await clippedOneByOne(onnx, network, clipNorm);
    const actual = await clippedAtOnce(onnx, network, clipNorm);
    expect(relativeError(actual.norms, expected.norms)).toBeLessThan(TOLERANCE);
    expect(relativeError(actual.gradient, expected.gradient)).toBeLessThan(TOLERANCE);
  });
});
