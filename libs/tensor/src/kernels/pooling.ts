import {
  backend_util,
  type AvgPoolAttrs,
  type AvgPoolGradAttrs,
  type MaxPoolAttrs,
  type MaxPoolGradAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { at, product } from '../graph/shapes.js';
import { binary, broadcastApply, cast } from '../recorder/elementwise.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { dense, fillFloat, NCHW, symbolic, type Symbolic } from '../recorder/symbolic.js';
import { readPadAfter } from './convolution-geometry.js';
import { upsampleNearest } from './resizing.js';

interface PoolGeometry {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly outSize: readonly number[];
  readonly padBefore: readonly number[];
  readonly padAfter: readonly number[];
}

type Size4 = [number, number, number, number];

function poolGeometry(shape: readonly number[], a: AvgPoolAttrs | AvgPoolGradAttrs): PoolGeometry {
  const mode = 'dimRoundingMode' in a ? a.dimRoundingMode : undefined;
  const info = backend_util.computePool2DInfo([...shape] as Size4, a.filterSize, a.strides, 1, a.pad, mode);
  const sizes = {
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    groups: 1,
    inSize: [info.inHeight, info.inWidth],
    outSize: [info.outHeight, info.outWidth],
    kernelSize: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [1, 1],
    padBefore: [info.padInfo.top, info.padInfo.left],
  };
  return { ...sizes, window: sizes.kernelSize, padAfter: readPadAfter(sizes) };
}

function pool(
  g: GraphBuilder,
  op: 'AveragePool' | 'MaxPool',
  { x, geometry }: { x: Symbolic; geometry: PoolGeometry },
): Symbolic {
  const [batch = 0, , , channels = 0] = x.shape;
  const attributes = {
    kernel_shape: geometry.window,
    strides: geometry.strides,
    pads: [...geometry.padBefore, ...geometry.padAfter],
  };
  const shape = [batch, channels, ...geometry.outSize];
  return symbolic(g.apply(op, [dense(g, x, NCHW)], { shape, attributes }), NCHW, [
    batch,
    ...geometry.outSize,
    channels,
  ]);
}

/** Windows that tile the image: no overlap, no padding, nothing left over. */
function requireTiling(name: string, shape: readonly number[], { window, strides, outSize }: PoolGeometry): void {
  const tiles = window.every((size, i) => size === strides[i] && at(shape, i + 1) === at(outSize, i) * size);
  if (!tiles) throw new RangeError(`${name}: only windows that tile the image have a recorded gradient`);
}

function spread(g: GraphBuilder, s: Symbolic, window: readonly number[]): Symbolic {
  return upsampleNearest(g, s, [at(window, 0), at(window, 1)]);
}

function averageGradient(
  g: GraphBuilder,
  { dy, input }: { dy: Symbolic; input: Symbolic },
  a: AvgPoolGradAttrs,
): Symbolic {
  const geometry = poolGeometry(input.shape, a);
  requireTiling('avgPool', input.shape, geometry);
  return binary(g, 'Mul', [spread(g, dy, geometry.window), fillFloat(g, 1 / product(geometry.window))]);
}

/** Each window's gradient goes to its largest elements (to all of them when several are equal). */
function maximumGradient(
  g: GraphBuilder,
  { dy, input, output }: { dy: Symbolic; input: Symbolic; output: Symbolic },
  a: MaxPoolGradAttrs,
): Symbolic {
  const geometry = poolGeometry(input.shape, a);
  requireTiling('maxPool', input.shape, geometry);
  const largest = spread(g, output, geometry.window);
  const isLargest = broadcastApply(g, 'Equal', { operands: [input, largest], shape: input.shape, type: 'bool' });
  return binary(g, 'Mul', [spread(g, dy, geometry.window), cast(g, isLargest, 'float32')]);
}

export const poolingKernels: readonly RecordedKernel[] = [
  kernel('AvgPool', ['x'], (g, { x }, a: AvgPoolAttrs) =>
    pool(g, 'AveragePool', { x, geometry: poolGeometry(x.shape, a) }),
  ),
  kernel('AvgPoolGrad', ['dy', 'input'], (g, inputs, a: AvgPoolGradAttrs) => averageGradient(g, inputs, a)),
  kernel('MaxPool', ['x'], (g, { x }, a: MaxPoolAttrs) =>
    pool(g, 'MaxPool', { x, geometry: poolGeometry(x.shape, a) }),
  ),
  kernel('MaxPoolGrad', ['dy', 'input', 'output'], (g, inputs, a: MaxPoolGradAttrs) => maximumGradient(g, inputs, a)),
];
