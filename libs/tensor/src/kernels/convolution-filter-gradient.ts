import type { GraphBuilder } from '../graph/graph-builder.js';
import type { Value } from '../graph/graph.js';
import { at, product, range } from '../graph/shapes.js';
import type { ConvolutionGeometry } from './window-geometry.js';
import { multiply } from './matrix-product.js';

interface Operands {
  readonly x: Value;
  readonly dy: Value;
}

/**
 * Gradient of a convolution with respect to its weight [O, C / groups, …], as products of `dy` and shifted copies of `x`.
 * Which copies are cheapest depends on the geometry (measured: convolution of swapped operands is four times slower).
 */
export function filterGradient(g: GraphBuilder, operands: Operands, geometry: ConvolutionGeometry): Value {
  const { kernelSize, strides, inSize, outSize, padBefore, dilations, groups } = geometry;
  const shape = [geometry.outChannels, geometry.inChannels / groups, ...kernelSize];
  if (product(kernelSize) === 1 && product(strides) === 1) {
    return g.reshape(productOverPixels(g, { x: operands.x, dy: operands.dy }, geometry), shape);
  }
  const isCompact = dilations.every((dilation) => dilation === 1);
  const tiles = kernelSize.every((k, i) => k === strides[i] && inSize[i] === at(outSize, i) * k && padBefore[i] === 0);
  if (isCompact && tiles) return g.reshape(patches(g, operands, geometry), shape);
  if (isCompact && kernelSize.length === 2 && at(strides, 1) * at(outSize, 1) === inSize[1]) {
    const keepsSize = product(strides) === 1 && inSize[0] === outSize[0] && groups === 1;
    if (keepsSize && geometry.outChannels < geometry.inChannels) return shiftedGradientRows(g, operands, geometry);
    return g.reshape(shiftedRows(g, operands, geometry), shape);
  }
  return g.reshape(shiftedTaps(g, operands, geometry), shape);
}

/**
 * Σ over batch and pixels of `dy` [N, O, …] times `x` [N, K, …], by group: [O, K / groups]. The right operand of a product
 * is repacked before it is used, so the smaller one goes there; the result is then turned round, and is small itself.
 */
function productOverPixels(
  g: GraphBuilder,
  { x, dy }: Operands,
  { batch, groups, outChannels }: ConvolutionGeometry,
): Value {
  const pixels = product(dy.shape.slice(1)) / outChannels;
  const rows = outChannels / groups;
  const columns = product(x.shape.slice(1)) / pixels / groups;
  const fromDy = g.reshape(dy, [batch * groups, rows, pixels]);
  const fromX = g.reshape(x, [batch * groups, columns, pixels]);
  const isTurned = columns > rows;
  const [left, right] = isTurned ? [fromX, fromDy] : [fromDy, fromX];
  const size = isTurned ? [columns, rows] : [rows, columns];
  const products = multiply(g, { left, right, transposeRight: true, shape: [batch * groups, ...size] });
  const summed = g.apply('ReduceSum', [g.reshape(products, [batch, groups, ...size]), g.int64([0])], {
    shape: [groups, ...size],
    attributes: { keepdims: 0 },
  });
  return g.reshape(isTurned ? g.transpose(summed, [0, 2, 1]) : summed, [outChannels, columns]);
}

/** Windows that do not overlap: one transpose lays every window's pixels out as channels. */
function patches(g: GraphBuilder, { x, dy }: Operands, geometry: ConvolutionGeometry): Value {
  const { batch, inChannels, outSize, kernelSize } = geometry;
  const rank = kernelSize.length;
  const cut = g.reshape(x, [batch, inChannels, ...outSize.flatMap((out, i) => [out, at(kernelSize, i)])]);
  const order = [0, 1, ...range(rank).map((i) => 3 + 2 * i), ...range(rank).map((i) => 2 + 2 * i)];
  const windows = g.reshape(g.transpose(cut, order), [batch, inChannels * product(kernelSize), ...outSize]);
  return productOverPixels(g, { x: windows, dy }, geometry);
}

/** Kernel rows by one gather of rows of `x`; kernel columns by shifting `dy`, the smaller copy. */
function shiftedRows(g: GraphBuilder, { x, dy }: Operands, geometry: ConvolutionGeometry): Value {
  const { batch, outChannels, kernelSize, outSize, strides, padBefore } = geometry;
  const [kernelHeight = 0, kernelWidth = 0] = kernelSize;
  const [outHeight = 0, outWidth = 0] = outSize;
  const rows = range(kernelHeight).map((tap) =>
    range(outHeight).map((out) => out * at(strides, 0) + tap - at(padBefore, 0)),
  );
  const x3 = gatherRows(g, x, rows);
  const spread = spreadColumns(g, dy, { stride: at(strides, 1), shape: [batch, outChannels, outHeight, outWidth] });
  const columns = range(kernelWidth).map((tap) => {
    const shifted = shiftColumns(g, spread, tap - at(padBefore, 1));
    const perTap = productOverPixels(g, { x: x3, dy: shifted }, geometry);
    return g.reshape(perTap, [...perTap.shape, 1]);
  });
  return joinLast(g, columns);
}

/**
 * The same with the parts of `x` and `dy` exchanged, for a convolution that keeps the image's size and has fewer outputs than
 * inputs: the gather, three times as large as what it reads, is then made of the smaller of both.
 */
function shiftedGradientRows(g: GraphBuilder, { x, dy }: Operands, geometry: ConvolutionGeometry): Value {
  const { inChannels, outChannels, kernelSize, outSize, padBefore } = geometry;
  const [kernelHeight = 0, kernelWidth = 0] = kernelSize;
  const [height = 0] = outSize;
  const rows = range(kernelHeight).map((tap) => range(height).map((row) => row - tap + at(padBefore, 0)));
  const dy3 = gatherRows(g, dy, rows);
  const size = [outChannels, kernelHeight, inChannels, 1];
  const columns = range(kernelWidth).map((tap) => {
    const shifted = shiftColumns(g, x, at(padBefore, 1) - tap);
    const products = productOverPixels(
      g,
      { x: shifted, dy: dy3 },
      { ...geometry, outChannels: outChannels * kernelHeight },
    );
    return g.reshape(products, size);
  });
  return g.transpose(joinLast(g, columns), [0, 2, 1, 3]);
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
function shiftedTaps(g: GraphBuilder, { x, dy }: Operands, geometry: ConvolutionGeometry): Value {
  const { kernelSize, outSize, strides, dilations, padBefore, padAfter, batch, inChannels } = geometry;
  const rank = kernelSize.length;
  const axes = range(rank).map((i) => i + 2);
  const paddedSize = geometry.inSize.map((size, i) => size + at(padBefore, i) + at(padAfter, i));
  const pads = g.int64([0, 0, ...padBefore, 0, 0, ...padAfter]);
  const needsPad = [...padBefore, ...padAfter].some((pad) => pad > 0);
  const padded = needsPad ? g.apply('Pad', [x, pads], { shape: [batch, inChannels, ...paddedSize] }) : x;
  const taps = range(product(kernelSize)).map((index) => {
    const starts = unravel(index, kernelSize).map((tap, i) => tap * at(dilations, i));
    const ends = starts.map((start, i) => start + (at(outSize, i) - 1) * at(strides, i) + 1);
    const inputs = [padded, g.int64(starts), g.int64(ends), g.int64(axes), g.int64(strides)];
    const tap = g.apply('Slice', inputs, { shape: [batch, inChannels, ...outSize] });
    const perTap = productOverPixels(g, { x: tap, dy }, geometry);
    return g.reshape(perTap, [...perTap.shape, 1]);
  });
  return joinLast(g, taps);
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
