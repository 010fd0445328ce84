import { type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import { kernel, type RecordedKernel } from '../kernel.js';
import { denseChannelsFirst, denseInOrder, plain, type Symbolic } from '../symbolic/symbolic.js';
import {
  byPixel,
  filterGradient,
  type FilterGradientOperands,
  pixelProducts,
  tapOperands,
} from './convolution-filter-gradient.js';
import { multiply } from '../matrix-product.js';
import { convolutionGeometry, type ConvolutionGeometry, type WindowAttributes } from '../window-geometry.js';

export const EXAMPLE_FILTER_NORMS = 'TributaryExampleFilterNorms';
export const WEIGHTED_FILTER_GRADIENT = 'TributaryWeightedFilterGradient';

/**
 * A product of two pixels costs this many times less than to keep, and read again, one number of a gradient: above it the
 * gradients of the examples are laid out, below it their norms come from products of pixels.
 * An estimate for processors in general: it decides time and memory, never the result.
 */
const GHOST_ADVANTAGE = 16;

type Attributes = WindowAttributes & { readonly filterShape: readonly number[] };

function geometryOf(x: Symbolic, { filterShape, ...windows }: Attributes): ConvolutionGeometry {
  return convolutionGeometry(x.shape, filterShape, { ...windows, isDepthwise: false });
}

/**
 * Whether norms come from T x T products of pixels and not from the K x O gradients themselves
 * (the choice of Bu et al. 2022, "Scalable and efficient training of large convolutional neural networks with differential
 * privacy", section 4, with the costs of this engine).
 */
function isGhost({ outSize, kernelSize, inChannels, outChannels, groups }: ConvolutionGeometry): boolean {
  const pixels = product(outSize);
  const columns = (inChannels / groups) * product(kernelSize);
  const rows = outChannels / groups;
  return pixels ** 2 * (columns + rows) < GHOST_ADVANTAGE * columns * rows;
}

/** Sum of squares over everything but the examples, [batch]. */
function squaredNorms(g: GraphBuilder, value: Value, batch: number): Value {
  const rows = g.reshape(value, [batch, product(value.shape) / batch]);
  return g.apply('ReduceSumSquare', [rows, g.int64([1])], { shape: [batch], attributes: { keepdims: 0 } });
}

/** ‖Σ_t x_t dy_tᵀ‖² = Σ_{t,s} (x_t · x_s) (dy_t · dy_s) (Li et al. 2022, eq. 4), summed over groups: [batch]. */
function ghostNorms(g: GraphBuilder, pair: FilterGradientOperands, geometry: ConvolutionGeometry): Value {
  const { x, dy } = byPixel(g, pair, geometry);
  const [matrices = 0, , pixels = 0] = x.shape;
  const shape = [matrices, pixels, pixels];
  const gram = (value: Value) => multiply(g, { left: value, right: value, transposeLeft: true, shape });
  const products = g.reshape(g.apply('Mul', [gram(x), gram(dy)], { shape }), [
    geometry.batch,
    product(shape) / geometry.batch,
  ]);
  return g.apply('ReduceSum', [products, g.int64([1])], { shape: [geometry.batch], attributes: { keepdims: 0 } });
}

function exampleNorms(g: GraphBuilder, operands: FilterGradientOperands, geometry: ConvolutionGeometry): Value {
  const ofPair = (pair: FilterGradientOperands) =>
    isGhost(geometry)
      ? ghostNorms(g, pair, geometry)
      : squaredNorms(g, pixelProducts(g, pair, geometry).value, geometry.batch);
  const add = (a: Value, b: Value) => g.apply('Add', [a, b], { shape: a.shape });
  return tapOperands(g, operands, geometry).pairs.map(ofPair).reduce(add);
}

/** Where the gradients of the examples are laid out, their products are those of the norms; else `dy` is weighted first. */
function weightedGradient(
  g: GraphBuilder,
  { x, dy }: FilterGradientOperands,
  { geometry, weights }: { geometry: ConvolutionGeometry; weights: Value },
): Value {
  const { batch } = geometry;
  if (!isGhost(geometry)) return filterGradient(g, { x, dy }, geometry, g.reshape(weights, [1, batch]));
  const column = g.reshape(weights, [batch, ...dy.shape.slice(1).map(() => 1)]);
  return filterGradient(g, { x, dy: g.apply('Mul', [dy, column], { shape: dy.shape }) }, geometry);
}

export const perExampleConvolutionKernels: readonly RecordedKernel[] = [
  kernel(EXAMPLE_FILTER_NORMS, ['x', 'dy'], (g, { x, dy }, attributes: Attributes) => {
    const operands = { x: denseChannelsFirst(g, x), dy: denseChannelsFirst(g, dy) };
    return plain(exampleNorms(g, operands, geometryOf(x, attributes)));
  }),
  kernel(WEIGHTED_FILTER_GRADIENT, ['x', 'dy', 'weights'], (g, { x, dy, weights }, attributes: Attributes) => {
    const operands = { x: denseChannelsFirst(g, x), dy: denseChannelsFirst(g, dy) };
    const settings = { geometry: geometryOf(x, attributes), weights: denseInOrder(g, weights) };
    return plain(weightedGradient(g, operands, settings));
  }),
];
