import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '@tributary/onnx-graph';
import { attention } from '../attention.js';
import { scale, shift } from '../affine.js';
import { conv2d, conv3d, convTranspose2d } from '../convolution.js';
import { upsampledConv2d } from '../upsampled-convolution.js';
import { embedding } from '../embedding.js';
import { groupNorm } from '../group-norm.js';
import { layerNorm } from '../layer-norm.js';
import { linear } from '../linear.js';
import { silu } from '../silu.js';
import { parameterCount, type ParameterSpec, valueAndGradient } from '../parameters/flat-parameters.js';
import type { Arrays, Engine, Signature, StepFunction, Tensors, TensorSpec } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import { clippedGradient } from './clipped-gradient.js';

/** A network as a function of parameters and inputs, of which every one holds the examples along its first dimension. */
export interface ClippingCase {
  readonly name: string;
  readonly manifest: readonly ParameterSpec[];
  /** Shapes of one example. */
  readonly inputs: Readonly<Record<string, TensorSpec & { readonly bound?: number }>>;
  readonly forward: (parameters: Tensors, inputs: Tensors) => tf.Tensor;
}

export interface ClippedArrays {
  readonly gradient: Float32Array;
  readonly norms: Float32Array;
  readonly losses: Float32Array;
}

export const tensorNamed = <R extends tf.Rank>(tensors: Tensors, name: string): tf.Tensor<R> =>
  at([tensors[name]], 0) as tf.Tensor<R>;

/** Σ sin(y) over each example: a loss whose gradient differs in every element. */
function losses(test: ClippingCase, parameters: Tensors, inputs: Tensors): tf.Tensor1D {
  const batch = at(at(Object.values(inputs), 0).shape, 0);
  const y = test.forward(parameters, inputs);
  return tf.reshape(tf.sum(tf.reshape(tf.sin(y), [batch, -1]), 1), [batch]);
}

function signatureOf({ inputs, manifest }: ClippingCase, batch: number): Signature {
  const batched = Object.entries(inputs).map(
    ([name, { shape, dtype }]) => [name, { shape: [batch, ...shape], dtype }] as const,
  );
  return { inputs: { ...Object.fromEntries(batched), flat: { shape: [parameterCount(manifest)] } } };
}

function drawArrays({ inputs, manifest, name: seed }: ClippingCase, batch: number): Arrays {
  const arrays: Arrays = { flat: new Float32Array(parameterCount(manifest)) };
  randomStream(5, seed).fillNormal(arrays['flat'] as Float32Array);
  arrays['flat'] = arrays['flat']?.map((value) => 0.5 * value) ?? new Float32Array(0);
  for (const [name, { shape, bound }] of Object.entries(inputs)) {
    const random = randomStream(5, seed, name);
    const length = batch * product(shape);
    arrays[name] =
      bound === undefined
        ? Float32Array.from({ length }, () => random.normal())
        : Int32Array.from({ length }, () => random.integer(bound));
  }
  return arrays;
}

/** Runs `clippedGradient` on an engine. */
export async function clippedOn(
  engine: Engine,
  test: ClippingCase,
  { batch, clipNorm }: { batch: number; clipNorm: number },
): Promise<ClippedArrays> {
  const step: StepFunction = ({ flat, ...inputs }) => ({
    outputs: {
      ...clippedGradient((parameters) => losses(test, parameters, inputs), flat as tf.Tensor1D, {
        manifest: test.manifest,
        clipNorm,
      }),
    },
  });
  const program = await engine.compile(step, signatureOf(test, batch), { label: test.name });
  const outputs = await program.run(drawArrays(test, batch));
  const copy = (name: string) => Float32Array.from(outputs[name] ?? []);
  const arrays = { gradient: copy('gradient'), norms: copy('norms'), losses: copy('losses') };
  await program.dispose();
  return arrays;
}

/** Loss and gradient of every example by itself. */
export interface SingleExample {
  readonly loss: number;
  readonly gradient: Float32Array;
}

/** Every example of the batch as a batch of its own. */
export async function oneByOne(engine: Engine, test: ClippingCase, batch: number): Promise<SingleExample[]> {
  const step: StepFunction = ({ flat, ...inputs }) => {
    const loss = (parameters: Tensors): tf.Scalar => tf.reshape(losses(test, parameters, inputs), []);
    return { outputs: { ...valueAndGradient(loss, flat as tf.Tensor1D, test.manifest) } };
  };
  const program = await engine.compile(step, signatureOf(test, 1));
  const { flat = new Float32Array(0), ...all } = drawArrays(test, batch);
  const examples: SingleExample[] = [];
  for (let example = 0; example < batch; example++) {
    const single = Object.entries(all).map(([name, values]) => {
      const size = values.length / batch;
      return [name, values.slice(example * size, (example + 1) * size)] as const;
    });
    const { value, gradient } = await program.run({ flat, ...Object.fromEntries(single) });
    examples.push({ loss: at(value ?? [], 0), gradient: Float32Array.from(gradient ?? []) });
  }
  await program.dispose();
  return examples;
}

const normOf = (gradient: Float32Array): number => Math.hypot(...gradient);

/** The middle of the examples' norms: half of the examples are clipped. */
export function medianNorm(examples: readonly SingleExample[]): number {
  return (
    at(
      examples.map(({ gradient }) => normOf(gradient)).sort((a, b) => a - b),
      examples.length / 2 - 1,
    ) * 1.01
  );
}

/** Clips every gradient by itself and adds them up, in double precision. */
export function clipAndSum(examples: readonly SingleExample[], clipNorm: number): ClippedArrays {
  const sum = new Float64Array(at(examples, 0).gradient.length);
  for (const { gradient } of examples) {
    const factor = Math.min(1, clipNorm / normOf(gradient));
    gradient.forEach((g, i) => (sum[i] = (sum[i] ?? 0) + factor * g));
  }
  return {
    gradient: Float32Array.from(sum),
    norms: Float32Array.from(examples, ({ gradient }) => normOf(gradient)),
    losses: Float32Array.from(examples, ({ loss }) => loss),
  };
}

const spec = (name: string, ...shape: number[]): ParameterSpec => ({ name, shape });
const p1 = (p: Tensors, name: string): tf.Tensor1D => tensorNamed(p, name);
const p2 = (p: Tensors, name: string): tf.Tensor2D => tensorNamed(p, name);
const p4 = (p: Tensors, name: string): tf.Tensor4D => tensorNamed(p, name);
const image = (...shape: [number, number, number]) => ({ x: { shape } });

interface ConvolutionCase {
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** A 2-D convolution with a bias. */
export function convolutionCase(options: ConvolutionCase): ClippingCase {
  const { size, channels, kernel, groups = 1, ...rest } = options;
  const [from, to] = channels;
  return {
    name: `conv2d ${JSON.stringify(options)}`,
    manifest: [spec('weight', to, from / groups, ...kernel), spec('bias', to)],
    inputs: image(...size, from),
    forward: (p, { x }) => conv2d(x as tf.Tensor4D, p4(p, 'weight'), p1(p, 'bias'), { groups, ...rest }),
  };
}

const linearCase = (name: string, shape: number[], [from, to]: readonly [number, number]): ClippingCase => ({
  name,
  manifest: [spec('weight', to, from), spec('bias', to)],
  inputs: { x: { shape: [...shape, from] } },
  forward: (p, { x }) => linear(at([x], 0), p2(p, 'weight'), p1(p, 'bias')),
});

const attentionProjections = ['q', 'k', 'v', 'out'];

/** Self-attention over tokens with its four projections, batch and tokens merged as some networks do. */
function selfAttention(p: Tensors, x: tf.Tensor): tf.Tensor {
  const [batch = 0, tokens = 0, width = 0] = x.shape;
  const project = (name: string, from: tf.Tensor) => linear(from, p2(p, name));
  const merged = tf.reshape(x, [batch * tokens, width]);
  const heads = (name: string): tf.Tensor4D =>
    tf.transpose(tf.reshape(project(name, merged), [batch, tokens, 2, width / 2]), [0, 2, 1, 3]);
  const mixed = tf.transpose(attention(heads('q'), heads('k'), heads('v')), [0, 2, 1, 3]);
  return project('out', tf.reshape(mixed, [batch, tokens, width]));
}

/** A small residual network of all kinds of layers. */
function mixedNetwork(p: Tensors, { x, row }: Tensors): tf.Tensor {
  const first = conv2d(x as tf.Tensor4D, p4(p, 'in.weight'), p1(p, 'in.bias'), { padding: 1 });
  const condition = tf.reshape(
    linear(embedding(p2(p, 'table'), at([row], 0)), p2(p, 'time.weight'), p1(p, 'time.bias')),
    [-1, 1, 1, 8],
  );
  const normal = groupNorm(tf.add<tf.Tensor4D>(first, condition), p1(p, 'norm.weight'), p1(p, 'norm.bias'), {
    groups: 2,
    epsilon: 1e-5,
  });
  const hidden = conv2d(silu(normal), p4(p, 'out.weight'), undefined, { stride: 2, padding: 1 });
  return scale(shift(hidden, tensorNamed(p, 'position')), p1(p, 'gain'));
}

export const CLIPPING_CASES: readonly ClippingCase[] = [
  convolutionCase({ size: [8, 8], channels: [3, 4], kernel: [3, 3], padding: 1 }),
  convolutionCase({ size: [7, 5], channels: [4, 3], kernel: [3, 3], stride: 2, padding: 1 }),
  convolutionCase({ size: [6, 6], channels: [5, 7], kernel: [1, 1] }),
  convolutionCase({ size: [2, 2], channels: [16, 24], kernel: [3, 3], padding: 1 }),
  convolutionCase({ size: [1, 1], channels: [16, 8], kernel: [1, 1] }),
  convolutionCase({ size: [8, 8], channels: [3, 4], kernel: [2, 2], stride: 2 }),
  convolutionCase({ size: [9, 9], channels: [3, 4], kernel: [3, 3], dilation: 2, padding: 2 }),
  convolutionCase({ size: [6, 7], channels: [4, 6], kernel: [3, 3], groups: 2, padding: 1 }),
  convolutionCase({ size: [2, 2], channels: [32, 32], kernel: [3, 3], groups: 2, padding: 1 }),
  convolutionCase({ size: [6, 6], channels: [4, 8], kernel: [3, 3], groups: 4, padding: 1 }),
  {
    name: 'conv3d',
    manifest: [spec('weight', 4, 3, 3, 3, 3), spec('bias', 4)],
    inputs: { x: { shape: [4, 5, 3, 3] } },
    forward: (p, { x }) => conv3d(x as tf.Tensor5D, tensorNamed(p, 'weight'), p1(p, 'bias'), { stride: 2, padding: 1 }),
  },
  {
    name: 'convTranspose2d',
    manifest: [spec('weight', 4, 3, 3, 3), spec('bias', 3)],
    inputs: image(4, 5, 4),
    forward: (p, { x }) =>
      convTranspose2d(x as tf.Tensor4D, p4(p, 'weight'), p1(p, 'bias'), { stride: 2, padding: 1, outputPadding: 1 }),
  },
  {
    name: 'upsampledConv2d',
    manifest: [spec('weight', 3, 4, 3, 3), spec('bias', 3)],
    inputs: image(4, 5, 4),
    forward: (p, { x }) => upsampledConv2d(x as tf.Tensor4D, p4(p, 'weight'), p1(p, 'bias')),
  },
  linearCase('linear', [], [5, 7]),
  linearCase('linear on few tokens', [2], [9, 8]),
  linearCase('linear on many tokens', [9, 3], [4, 5]),
  {
    name: 'groupNorm',
    manifest: [spec('weight', 6), spec('bias', 6)],
    inputs: image(4, 3, 6),
    forward: (p, { x }) => groupNorm(x as tf.Tensor4D, p1(p, 'weight'), p1(p, 'bias'), { groups: 3, epsilon: 1e-5 }),
  },
  {
    name: 'layerNorm of tokens',
    manifest: [spec('weight', 6), spec('bias', 6)],
    inputs: { x: { shape: [5, 6] } },
    forward: (p, { x }) => layerNorm(at([x], 0), p1(p, 'weight'), p1(p, 'bias')),
  },
  {
    name: 'embedding',
    manifest: [spec('table', 6, 4)],
    inputs: { row: { shape: [], dtype: 'int32', bound: 6 } },
    forward: (p, { row }) => embedding(p2(p, 'table'), at([row], 0)),
  },
  {
    name: 'embedding of tokens, some of them equal',
    manifest: [spec('table', 3, 4), spec('position', 5, 4)],
    inputs: { row: { shape: [5], dtype: 'int32', bound: 3 } },
    forward: (p, { row }) => shift(embedding(p2(p, 'table'), at([row], 0)), tensorNamed(p, 'position')),
  },
  {
    name: 'scale of every channel and row',
    manifest: [spec('gain', 4, 1, 3), spec('unused', 2)],
    inputs: image(4, 5, 3),
    forward: (p, { x }) => scale(at([x], 0), tensorNamed(p, 'gain')),
  },
  {
    name: 'self-attention',
    manifest: attentionProjections.map((name) => spec(name, 8, 8)),
    inputs: { x: { shape: [6, 8] } },
    forward: (p, { x }) => selfAttention(p, at([x], 0)),
  },
  {
    name: 'a network of many layers, parameters reshaped',
    manifest: [
      ...[
        spec('in.weight', 8, 2, 3, 3),
        spec('in.bias', 8),
        spec('table', 4, 6),
        spec('time.weight', 8, 6),
        spec('time.bias', 8),
      ],
      ...[
        spec('norm.weight', 8),
        spec('norm.bias', 8),
        spec('out.weight', 4, 8, 3, 3),
        spec('position', 3, 3, 4),
        spec('gain', 4),
      ],
    ],
    inputs: { ...image(6, 6, 2), row: { shape: [], dtype: 'int32', bound: 4 } },
    forward: (p, inputs) => mixedNetwork({ ...p, gain: tf.reshape(tensorNamed(p, 'gain'), [4]) }, inputs),
  },
];
