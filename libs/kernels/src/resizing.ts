import type * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product } from '@tributary/onnx-graph';
import { binary } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { activation, denseChannelsFirst, fillFloat, type Symbolic } from './symbolic/symbolic.js';
import { interpolationMatrix, type InterpolationRule } from './interpolation-matrix.js';
import { multiply } from './matrix-product.js';

/** Repeats every element `factors[i]` times along spatial dimension i. */
export function upsampleNearest(g: GraphBuilder, s: Symbolic, factors: readonly number[]): Symbolic {
  const image = denseChannelsFirst(g, s);
  const scales = [1, 1, ...factors];
  const value = g.apply('Resize', [image, undefined, g.constant(scales, [scales.length], 'float32')], {
    shape: image.shape.map((size, k) => size * at(scales, k)),
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  });
  return activation(value);
}

/** The sum of every window of `factors` elements. */
function sumWindows(g: GraphBuilder, s: Symbolic, factors: readonly number[]): Symbolic {
  const image = denseChannelsFirst(g, s);
  const mean = g.apply('AveragePool', [image], {
    shape: image.shape.map((size, k) => (k < 2 ? size : size / at(factors, k - 2))),
    attributes: { kernel_shape: factors, strides: factors },
  });
  return binary(g, 'Mul', [activation(mean), fillFloat(g, product(factors))]);
}

interface Resampling {
  readonly small: readonly number[];
  readonly large: readonly number[];
  readonly rule: InterpolationRule;
  readonly isTransposed: boolean;
}

/** rows · image · columnsᵀ for every channel; with both matrices transposed, the gradient. */
function resample(g: GraphBuilder, s: Symbolic, { small, large, rule, isTransposed }: Resampling): Symbolic {
  const matrix = (axis: 0 | 1) => {
    const [from, to] = [at(small, axis), at(large, axis)];
    return g.constant(interpolationMatrix(from, to, rule), [1, 1, to, from], 'float32');
  };
  const image = denseChannelsFirst(g, s);
  const [batch = 0, channels = 0, height = 0] = image.shape;
  const size = isTransposed ? small : large;
  const wide = [batch, channels, height, at(size, 1)];
  const across = multiply(g, { left: image, right: matrix(1), transposeRight: !isTransposed, shape: wide });
  const shape = [batch, channels, ...size];
  return activation(multiply(g, { left: matrix(0), right: across, transposeLeft: isTransposed, shape }));
}

/** Enlargement by whole factors repeats pixels, wherever their centres are said to lie. */
function wholeFactors({ small, large, rule }: Omit<Resampling, 'isTransposed'>): number[] | undefined {
  const factors = small.map((size, axis) => at(large, axis) / size);
  const isWhole = rule.mode === 'nearest' && !rule.alignCorners && factors.every(Number.isInteger);
  return isWhole ? factors : undefined;
}

const spatial = (s: Symbolic) => s.shape.slice(1, 3);

function resize(name: string, mode: InterpolationRule['mode']): RecordedKernel[] {
  return [
    kernel(name, ['images'], (g, { images }, attributes: tf.ResizeBilinearAttrs) => {
      const sizes = { small: spatial(images), large: attributes.size, rule: { ...attributes, mode } };
      const factors = wholeFactors(sizes);
      return factors ? upsampleNearest(g, images, factors) : resample(g, images, { ...sizes, isTransposed: false });
    }),
    kernel(`${name}Grad`, ['images', 'dy'], (g, { images, dy }, attributes: tf.ResizeBilinearAttrs) => {
      const sizes = { small: spatial(images), large: spatial(dy), rule: { ...attributes, mode } };
      const factors = wholeFactors(sizes);
      return factors ? sumWindows(g, dy, factors) : resample(g, dy, { ...sizes, isTransposed: true });
    }),
  ];
}

export const resizingKernels: readonly RecordedKernel[] = [
  ...resize('ResizeNearestNeighbor', 'nearest'),
  ...resize('ResizeBilinear', 'linear'),
];
