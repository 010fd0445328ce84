import { at, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { blockedFilterGradient } from './blocked-filter-gradient.js';
import { pixelChannelGradient } from './pixel-channel-gradient.js';
import { multiply } from '../matrix-product.js';
import { isTiling, type ConvolutionGeometry } from '../window-geometry.js';

export interface FilterGradientOperands {
  readonly x: Value;
  readonly dy: Value;
}

/**
 * Gradient of a convolution with respect to its weight [O, C / groups, …], as products of `dy` and shifted copies of `x`.
 *
 * @param weights One number an example, [1, batch]: the examples' gradients are summed with these factors; else as they are.
 */
export function filterGradient(
  g: GraphBuilder,
  operands: FilterGradientOperands,
  geometry: ConvolutionGeometry,
  weights?: Value,
): Value {
  const blocked = weights
    ? undefined
    : (pixelChannelGradient(g, operands, geometry) ?? blockedFilterGradient(g, operands, geometry));
  if (blocked) return blocked;
  const { pairs, order } = tapOperands(g, operands, geometry);
  const parts = pairs.map((pair) => {
    const part = sumExamples(g, pixelProducts(g, pair, geometry), weights);
    return g.reshape(part, [...part.shape, 1]);
  });
  const size = [geometry.outChannels, geometry.inChannels / geometry.groups, ...geometry.kernelSize];
  const inOrder = g.reshape(
    joinLast(g, parts),
    order.map((axis) => at(size, axis)),
  );
  return g.transpose(
    inOrder,
    range(size.length).map((axis) => order.indexOf(axis)),
  );
}

/** Pairs whose products are parts of a filter gradient. */
export interface TapOperands {
  readonly pairs: readonly FilterGradientOperands[];
  /** Which dimension of the weight [O, C, …] each dimension of the joined products is, the parts being the last. */
  readonly order: readonly number[];
}

const [OUT, IN, ROW, COLUMN] = [0, 1, 2, 3];

/**
 * Copies of `x` and `dy` whose products over pixels are the filter gradient; the parts of several pairs are joined along a
 * new last dimension. Which copies are cheapest depends on the geometry (measured: convolution of swapped operands is four
 * times slower).
 */
export function tapOperands(
  g: GraphBuilder,
  operands: FilterGradientOperands,
  geometry: ConvolutionGeometry,
): TapOperands {
  const { kernelSize, strides, inSize, outSize, padBefore, dilations, groups } = geometry;
  const asWeight = range(kernelSize.length + 2);
  const isUnpadded = padBefore.every((padding) => padding === 0);
  if (product(kernelSize) === 1 && product(strides) === 1 && isUnpadded) return { pairs: [operands], order: asWeight };
  const isCompact = dilations.every((dilation) => dilation === 1);
  if (isCompact && isUnpadded && isTiling(geometry))
    return { pairs: [patches(g, operands, geometry)], order: asWeight };
  if (isCompact && kernelSize.length === 2 && at(strides, 1) * at(outSize, 1) === inSize[1]) {
    const keepsSize = product(strides) === 1 && inSize[0] === outSize[0] && groups === 1;
    return keepsSize
      ? sameSizeTaps(g, operands, geometry)
      : { pairs: shiftedRows(g, operands, geometry), order: asWeight };
  }
  return { pairs: shiftedTaps(g, operands, geometry), order: asWeight };
}

/** For a convolution that keeps the image's size, copies can be made of either operand: of the one with fewer channels. */
function sameSizeTaps(g: GraphBuilder, { x, dy }: FilterGradientOperands, geometry: ConvolutionGeometry): TapOperands {
  const { inChannels, outChannels, kernelSize, padBefore } = geometry;
  const isOfGradient = outChannels < inChannels;
  const rows = isOfGradient ? gradientRows(g, dy, geometry) : imageRows(g, x, geometry);
  const distances = range(at(kernelSize, 1)).map((tap) => tap - at(padBefore, 1));
  if (Math.min(inChannels, outChannels) * product(kernelSize) > Math.max(inChannels, outChannels)) {
    return isOfGradient
      ? { pairs: distances.map((d) => ({ x: shiftColumns(g, x, -d), dy: rows })), order: [OUT, ROW, IN, COLUMN] }
      : { pairs: distances.map((d) => ({ x: rows, dy: shiftColumns(g, dy, d) })), order: [OUT, IN, ROW, COLUMN] };
  }
  const [batch = 0, , ...size] = x.shape;
  const image = g.reshape(rows, [batch, at(rows.shape, 1), ...size]);
  const copies = distances.map((d) => shiftColumns(g, image, isOfGradient ? d : -d));
  const all = g.apply('Concat', copies, {
    shape: [batch, copies.length * at(rows.shape, 1), ...size],
    attributes: { axis: 1 },
  });
  return isOfGradient
    ? { pairs: [{ x, dy: all }], order: [COLUMN, OUT, ROW, IN] }
    : { pairs: [{ x: all, dy }], order: [OUT, COLUMN, IN, ROW] };
}

/** Products over pixels of every example and group: [batch, groups, rows, columns], or columns first when `isTurned`. */
export interface PixelProducts {
  readonly value: Value;
  readonly isTurned: boolean;
}

/** Both operands with pixels last, [batch · groups, channels / groups, pixels]. */
export function byPixel(
  g: GraphBuilder,
  { x, dy }: FilterGradientOperands,
  { batch, groups }: ConvolutionGeometry,
): FilterGradientOperands {
  const matrices = (value: Value) =>
    g.reshape(value, [batch * groups, at(value.shape, 1) / groups, product(value.shape.slice(2))]);
  return { x: matrices(x), dy: matrices(dy) };
}

/**
 * Σ over pixels of `dy` [N, O, …] times `x` [N, K, …]. The right operand of a product is repacked before it is used, so the
 * smaller one goes there; the result is then turned round.
 */
export function pixelProducts(
  g: GraphBuilder,
  operands: FilterGradientOperands,
  geometry: ConvolutionGeometry,
): PixelProducts {
  const { x, dy } = byPixel(g, operands, geometry);
  const isTurned = at(x.shape, 1) > at(dy.shape, 1);
  const [left, right] = isTurned ? [x, dy] : [dy, x];
  const { batch, groups } = geometry;
  const size = [at(left.shape, 1), at(right.shape, 1)];
  const value = multiply(g, { left, right, transposeRight: true, shape: [batch * groups, ...size] });
  return { value: g.reshape(value, [batch, groups, ...size]), isTurned };
}

/** Sum over the examples (with the given weights), turned back: [rows of all groups, columns]. */
function sumExamples(g: GraphBuilder, { value, isTurned }: PixelProducts, weights?: Value): Value {
  const [batch = 1, ...shape] = value.shape;
  const summed = weights
    ? g.apply('MatMul', [weights, g.reshape(value, [batch, product(shape)])], { shape: [1, product(shape)] })
    : g.apply('ReduceSum', [value, g.int64([0])], { shape, attributes: { keepdims: 0 } });
  const parts = g.reshape(summed, shape);
  const matrices = isTurned ? g.transpose(parts, [0, 2, 1]) : parts;
  const [groups = 1, rows = 1, columns = 1] = matrices.shape;
  return g.reshape(matrices, [groups * rows, columns]);
}

/** Windows that do not overlap: one transpose lays every window's pixels out as channels. */
function patches(
  g: GraphBuilder,
  { x, dy }: FilterGradientOperands,
  geometry: ConvolutionGeometry,
): FilterGradientOperands {
  const { batch, inChannels, outSize, kernelSize } = geometry;
  const rank = kernelSize.length;
  const cut = g.reshape(x, [batch, inChannels, ...outSize.flatMap((out, i) => [out, at(kernelSize, i)])]);
  const order = [0, 1, ...range(rank).map((i) => 3 + 2 * i), ...range(rank).map((i) => 2 + 2 * i)];
  return { x: g.reshape(g.transpose(cut, order), [batch, inChannels * product(kernelSize), ...outSize]), dy };
}

/** Kernel rows by one gather of rows of `x`; kernel columns by shifting `dy`. */
function shiftedRows(
  g: GraphBuilder,
  { x, dy }: FilterGradientOperands,
  geometry: ConvolutionGeometry,
): FilterGradientOperands[] {
  const { batch, outChannels, kernelSize, outSize, strides, padBefore } = geometry;
  const rows = imageRows(g, x, geometry);
  const spread = spreadColumns(g, dy, { stride: at(strides, 1), shape: [batch, outChannels, ...outSize] });
  return range(at(kernelSize, 1)).map((tap) => ({ x: rows, dy: shiftColumns(g, spread, tap - at(padBefore, 1)) }));
}

/** The rows of `x` that meet every row of `dy`, for every row of the kernel: [N, C · h, …]. */
function imageRows(g: GraphBuilder, x: Value, { kernelSize, outSize, strides, padBefore }: ConvolutionGeometry): Value {
  const rows = range(at(kernelSize, 0)).map((tap) =>
    range(at(outSize, 0)).map((out) => out * at(strides, 0) + tap - at(padBefore, 0)),
  );
  return gatherRows(g, x, rows);
}

/** The rows of `dy` that meet every row of `x`, for every row of the kernel: [N, O · h, …]. */
function gradientRows(g: GraphBuilder, dy: Value, { kernelSize, outSize, padBefore }: ConvolutionGeometry): Value {
  const rows = range(at(kernelSize, 0)).map((tap) => range(at(outSize, 0)).map((row) => row - tap + at(padBefore, 0)));
  return gatherRows(g, dy, rows);
}

/** Rows of `image` [N, C, H, W] as listed, one list after another; zeros for rows outside: [N, C · lists, rows · W]. */
function gatherRows(g: GraphBuilder, image: Value, rows: readonly (readonly number[])[]): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = image.shape;
  const count = at(rows, 0).length;
  const withZeroRow = g.apply('Pad', [image, g.int64([0, 0, 1, 0, 0, 0, 0, 0])], {
    shape: [batch, channels, height + 1, width],
  });
  const indices = rows.flat().map((row) => (row >= 0 && row < height ? row + 1 : 0));
  const gathered = g.apply('Gather', [withZeroRow, g.constant(indices, [rows.length, count], 'int64')], {
    shape: [batch, channels, rows.length, count, width],
    attributes: { axis: 2 },
  });
  return g.reshape(gathered, [batch, channels * rows.length, count * width]);
}

/** Puts `stride - 1` zeros after every column, so that `dy` has the width of `x`. */
function spreadColumns(
  g: GraphBuilder,
  dy: Value,
  { stride, shape }: { stride: number; shape: readonly number[] },
): Value {
  if (stride === 1) return dy;
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  const pads = g.int64([0, 0, 0, 0, 0, 0, 0, 0, 0, stride - 1]);
  const padded = g.apply('Pad', [g.reshape(dy, [...shape, 1]), pads], { shape: [...shape, stride] });
  return g.reshape(padded, [batch, channels, height, width * stride]);
}

/** Moves columns right by `shift`, zeros coming in; negative padding cuts off what leaves. */
function shiftColumns(g: GraphBuilder, value: Value, shift: number): Value {
  if (shift === 0) return value;
  return g.apply('Pad', [value, g.int64([0, 0, 0, shift, 0, 0, 0, -shift])], { shape: value.shape });
}

/** One strided slice of `x` and one product per kernel element: works for every geometry. */
function shiftedTaps(
  g: GraphBuilder,
  { x, dy }: FilterGradientOperands,
  geometry: ConvolutionGeometry,
): FilterGradientOperands[] {
  const { kernelSize, outSize, strides, dilations, padBefore, padAfter, batch, inChannels } = geometry;
  const rank = kernelSize.length;
  const axes = range(rank).map((i) => i + 2);
  const paddedSize = geometry.inSize.map((size, i) => size + at(padBefore, i) + at(padAfter, i));
  const pads = g.int64([0, 0, ...padBefore, 0, 0, ...padAfter]);
  const needsPad = [...padBefore, ...padAfter].some((pad) => pad > 0);
  const padded = needsPad ? g.apply('Pad', [x, pads], { shape: [batch, inChannels, ...paddedSize] }) : x;
  return range(product(kernelSize)).map((index) => {
    const starts = unravel(index, kernelSize).map((tap, i) => tap * at(dilations, i));
    const ends = starts.map((start, i) => start + (at(outSize, i) - 1) * at(strides, i) + 1);
    const inputs = [padded, g.int64(starts), g.int64(ends), g.int64(axes), g.int64(strides)];
    return { x: g.apply('Slice', inputs, { shape: [batch, inChannels, ...outSize] }), dy };
  });
}

function unravel(index: number, sizes: readonly number[]): number[] {
  let rest = index;
  return sizes.map((_, i) => {
    const below = product(sizes.slice(i + 1));
    const place = Math.floor(rest / below);
    rest %= below;
    return place;
  });
}

function joinLast(g: GraphBuilder, parts: readonly Value[]): Value {
  const first = at(parts, 0);
  if (parts.length === 1) return first;
  const axis = first.shape.length - 1;
  const shape = [...first.shape.slice(0, -1), parts.length];
  return g.apply('Concat', parts, { shape, attributes: { axis } });
}
