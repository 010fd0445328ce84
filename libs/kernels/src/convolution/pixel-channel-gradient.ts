import { at, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { blockedConvolution, blocksBehind, fromBlocks, toBlocks } from '../blocked-layout.js';
import type { ConvolutionGeometry } from '../window-geometry.js';
import { sumExamples } from './example-sums.js';
import { slices, stripCount } from './strips.js';

const FEWEST_ROWS = 4;

/** Rows `first` to `end` of `dy`, and those of `x` that their windows meet. */
interface Strip {
  readonly first: number;
  readonly end: number;
  /** Rows of `x`, and how many more would lie above and below the image. */
  readonly from: number;
  readonly to: number;
  readonly above: number;
  readonly below: number;
}

/**
 * Gradient of a convolution that keeps the image's size with respect to its weight [O, C, h, w], as convolutions in ONNX
 * Runtime's blocked layout in which pixels are channels and channels are pixels:
 *
 * dW[o, c, i, j] = Σ_{r, q} dy[o, r, q] · x[c, r + i - above, q + j - before], a sum over pixels, is for every column j of the
 * kernel a convolution of an image with the rows of `x`, and all channels' columns one behind the other, by a kernel as large as
 * `dy`: outputs lie a whole row apart, so every one is another channel c, and padding above and below gives the rows i. The block
 * of input channels is a run of pixels of a row. So `dy` in blocks is that kernel as it lies in memory, moved sideways
 * by j - before; `x` only needs its rows before its channels. Every example is a group.
 *
 * @returns Undefined where that layout is not in use or the geometry does not fit.
 */
export function pixelChannelGradient(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  geometry: ConvolutionGeometry,
): Value | undefined {
  const block = g.target.nchwcBlock;
  if (block === undefined || !isCovered(geometry, block)) return undefined;
  const { kernelSize, padBefore, outChannels, inChannels } = geometry;
  const [rows = 0, columns = 0] = kernelSize;
  const strips = stripsOf(geometry);
  const images = strips.map((strip) => rowsFirst(g, x, { strip, block }));
  const kernels = cutRows(g, toBlocks(g, dy), strips.length);
  const gradients = range(columns).map((column) => {
    const parts = strips.map((strip, i) => {
      const kernel = moveColumns(g, at(kernels, i), column - at(padBefore, 1));
      return ofStrip(g, { x: at(images, i), dy: kernel }, { geometry, strip, block });
    });
    return parts.length === 1 ? at(parts, 0) : g.apply('Sum', parts, { shape: at(parts, 0).shape });
  });
  const summed = sumExamples(g, gradients, geometry.batch);
  const byTap = g.transpose(g.reshape(summed, [columns, outChannels / block, rows, inChannels * block]), [2, 0, 1, 3]);
  const taps = fromBlocks(g, g.reshape(byTap, [rows * columns, outChannels, inChannels, 1]));
  const tapsInside = g.transpose(g.reshape(taps, [rows * columns, outChannels * inChannels]), [1, 0]);
  return g.reshape(tapsInside, [outChannels, inChannels, ...kernelSize]);
}

function isCovered(geometry: ConvolutionGeometry, block: number): boolean {
  const { groups, outChannels, kernelSize, dilations, strides, inSize, outSize } = geometry;
  const isPlane = kernelSize.length === 2 && product(kernelSize) > 1 && product(dilations) === 1;
  const keepsSize = product(strides) === 1 && outSize.every((size, axis) => size === inSize[axis]);
  const isLarge = at(outSize, 0) >= Math.max(FEWEST_ROWS, at(kernelSize, 0)) && at(outSize, 1) % block === 0;
  return isPlane && keepsSize && isLarge && groups === 1 && outChannels % block === 0;
}

function stripsOf({ inSize, kernelSize, padBefore }: ConvolutionGeometry): Strip[] {
  const [height = 0] = inSize;
  const count = stripCount(inSize, at(kernelSize, 0));
  const above = at(padBefore, 0);
  const below = at(kernelSize, 0) - 1 - above;
  return range(count).map((i) => {
    const [first, end] = [(i * height) / count, ((i + 1) * height) / count];
    const [from, to] = [Math.max(0, first - above), Math.min(height, end + below)];
    return { first, end, from, to, above: from - first + above, below: end + below - to };
  });
}

/**
 * The strip's rows of [N, C, H, W] as [N, rows, C, W], written as the blocked image [1, N · b, rows, C · W / b]. The rows are
 * gathered, which all threads do, while one alone would transpose.
 */
function rowsFirst(g: GraphBuilder, x: Value, { strip, block }: { strip: Strip; block: number }): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const blocks = blocksBehind(g, x);
  const [runs, length] = blocks ? [channels / block, width * block] : [channels, width];
  const rows = range(strip.to - strip.from).map((row) => row + strip.from);
  const places = rows.flatMap((row) => range(runs).map((run) => run * height + row));
  const image = g.reshape(blocks ?? x, [batch, runs * height, length]);
  const gathered = g.apply('Gather', [image, g.constant(places, [places.length], 'int64')], {
    shape: [batch, places.length, length],
    attributes: { axis: 1 },
  });
  const plain = blocks ? fromBlocks(g, g.reshape(gathered, [batch * rows.length, channels, 1, width])) : gathered;
  return g.reshape(plain, [1, batch * block, rows.length, (channels * width) / block]);
}

/** Moves the columns of blocked images right by `distance`, zeros coming in: a convolution whose kernel has a one at its end. */
function moveColumns(g: GraphBuilder, images: Value, distance: number): Value {
  if (distance === 0) return images;
  const [batch = 0, channels = 0, height = 0, width = 0] = images.shape;
  const count = batch * channels;
  const length = Math.abs(distance) + 1;
  const one = distance > 0 ? 0 : length - 1;
  const block = g.target.nchwcBlock ?? 1;
  const kernel = range(length).flatMap((tap) => new Array<number>(block).fill(tap === one ? 1 : 0));
  const weight = g.expand(g.constant(kernel, [1, length * block], 'float32'), [count / block, length * block]);
  const attributes = {
    kernel_shape: [1, length],
    pads: [0, Math.max(0, distance), 0, Math.max(0, -distance)],
    group: count,
  };
  const shape = [1, count, height, width];
  const operands = { x: g.reshape(images, shape), weight: g.reshape(weight, [count, 1, 1, length]) };
  return g.reshape(blockedConvolution(g, operands, { shape, attributes }), images.shape);
}

/** Blocked images [N, O, H, W] in equal strips of rows. */
function cutRows(g: GraphBuilder, images: Value, strips: number): Value[] {
  const [batch = 0, channels = 0, height = 0, width = 0] = images.shape;
  const { nchwcBlock: block = 1 } = g.target;
  const rows = g.reshape(images, [(batch * channels) / block, strips, (height / strips) * width * block]);
  return slices(g, rows).map((part) => g.reshape(part, [batch, channels, height / strips, width]));
}

/** The share of one strip, for all rows of the kernel: [1, N · O, h, C] blocked. */
function ofStrip(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  { geometry, strip, block }: { geometry: ConvolutionGeometry; strip: Strip; block: number },
): Value {
  const { batch, outChannels, inChannels, kernelSize, inSize } = geometry;
  const kernel = [strip.end - strip.first, at(inSize, 1) / block];
  const weight = g.reshape(dy, [batch * outChannels, block, ...kernel]);
  const attributes = {
    kernel_shape: kernel,
    pads: [strip.above, 0, strip.below, 0],
    strides: [1, at(kernel, 1)],
    group: batch,
  };
  const shape = [1, batch * outChannels, at(kernelSize, 0), inChannels];
  return blockedConvolution(g, { x, weight }, { shape, attributes });
}
