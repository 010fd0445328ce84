import type { ResizeBilinearAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import type { Value } from '../graph/graph.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { dense, NCHW, symbolic, type Symbolic } from '../recorder/symbolic.js';
import { interpolationMatrix, type InterpolationRule } from './interpolation-matrix.js';
import { multiply } from './matrix-product.js';

interface Sides {
  readonly height: Value;
  readonly width: Value;
  readonly isTransposed: boolean;
  readonly size: readonly [number, number];
}

/** rows · image · columnsᵀ for every channel; with both matrices transposed, the gradient. */
function resample(g: GraphBuilder, s: Symbolic, { height, width, isTransposed, size }: Sides): Symbolic {
  const [batch = 0, fromHeight = 0, , channels = 0] = s.shape;
  const image = dense(g, s, NCHW);
  const across = multiply(g, {
    left: image,
    right: width,
    transposeRight: !isTransposed,
    shape: [batch, channels, fromHeight, size[1]],
  });
  const value = multiply(g, {
    left: height,
    right: across,
    transposeLeft: isTransposed,
    shape: [batch, channels, ...size],
  });
  return symbolic(value, NCHW, [batch, ...size, channels]);
}

function matrices(
  g: GraphBuilder,
  [from, to]: readonly [readonly number[], readonly number[]],
  rule: InterpolationRule,
): [Value, Value] {
  const matrix = (axis: 0 | 1) => {
    const few = from[axis] ?? 0;
    const many = to[axis] ?? 0;
    return g.constant(interpolationMatrix(few, many, rule), [1, 1, many, few], 'float32');
  };
  return [matrix(0), matrix(1)];
}

export const interpolationKernels: readonly RecordedKernel[] = [
  kernel('ResizeBilinear', ['images'], (g, { images }, { size, ...rule }: ResizeBilinearAttrs) => {
    const [height, width] = matrices(g, [images.shape.slice(1, 3), size], rule);
    return resample(g, images, { height, width, isTransposed: false, size });
  }),
  kernel('ResizeBilinearGrad', ['images', 'dy'], (g, { images, dy }, rule: InterpolationRule) => {
    const [, imageHeight = 0, imageWidth = 0] = images.shape;
    const [height, width] = matrices(g, [[imageHeight, imageWidth], dy.shape.slice(1, 3)], rule);
    return resample(g, dy, { height, width, isTransposed: true, size: [imageHeight, imageWidth] });
  }),
];
