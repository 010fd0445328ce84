import type { ResizeNearestNeighborAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { at } from '../graph/shapes.js';
import { binary } from '../recorder/elementwise.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { dense, fillFloat, NCHW, symbolic, type Symbolic } from '../recorder/symbolic.js';

/** Repeats every pixel `factors[0]` times down and `factors[1]` times across. */
export function upsampleNearest(g: GraphBuilder, s: Symbolic, factors: readonly [number, number]): Symbolic {
  const [batch = 0, height = 0, width = 0, channels = 0] = s.shape;
  const size = [height * factors[0], width * factors[1]];
  const value = g.apply('Resize', [dense(g, s, NCHW), undefined, g.constant([1, 1, ...factors], [4], 'float32')], {
    shape: [batch, channels, ...size],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  });
  return symbolic(value, NCHW, [batch, ...size, channels]);
}

/** The sum of every `factors[0]` by `factors[1]` window. */
function sumWindows(g: GraphBuilder, s: Symbolic, factors: readonly [number, number]): Symbolic {
  const [batch = 0, height = 0, width = 0, channels = 0] = s.shape;
  const size = [height / factors[0], width / factors[1]];
  const mean = g.apply('AveragePool', [dense(g, s, NCHW)], {
    shape: [batch, channels, ...size],
    attributes: { kernel_shape: factors, strides: factors },
  });
  return binary(g, 'Mul', [symbolic(mean, NCHW, [batch, ...size, channels]), fillFloat(g, factors[0] * factors[1])]);
}

function wholeFactors(small: readonly number[], large: readonly number[]): [number, number] {
  const factors: [number, number] = [at(large, 0) / at(small, 0), at(large, 1) / at(small, 1)];
  if (factors.every(Number.isInteger)) return factors;
  throw new RangeError('resizeNearestNeighbor: only enlargement by whole factors can be recorded');
}

export const resizingKernels: readonly RecordedKernel[] = [
  kernel('ResizeNearestNeighbor', ['images'], (g, { images }, { size, alignCorners }: ResizeNearestNeighborAttrs) => {
    if (alignCorners) throw new RangeError('resizeNearestNeighbor: alignCorners cannot be recorded');
    return upsampleNearest(g, images, wholeFactors(images.shape.slice(1, 3), size));
  }),
  kernel('ResizeNearestNeighborGrad', ['images', 'dy'], (g, { images, dy }) =>
    sumWindows(g, dy, wholeFactors(images.shape.slice(1, 3), dy.shape.slice(1, 3))),
  ),
];
