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
 * by j - before; `x` only needs its rows before its channels. Every example is a group; where a row is no whole run of pixels, so are
 * several examples, side by side.
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
  if (product(geometry.kernelSize) === 1 && !blocksBehind(g, dy)) return undefined;
  const { kernelSize, padBefore, outChannels, inChannels } = geometry;
  const [rows = 0, columns = 0] = kernelSize;
  const count = examplesAside(geometry, block);
  const groups = geometry.batch / count;
  const strips = stripsOf(geometry);
  const images = strips.map((strip) => rowsFirst(g, x, { strip, count, block }));
  const kernels = cutRows(g, toBlocks(g, dy), strips.length);
  const gradients = range(columns).map((column) => {
    const parts = strips.map((strip, i) => {
      const moved = moveColumns(g, at(kernels, i), column - at(padBefore, 1));
      return ofStrip(g, { x: at(images, i), dy: sideBySide(g, moved, { count, block }) }, { geometry, strip, groups });
    });
    return parts.length === 1 ? at(parts, 0) : g.apply('Sum', parts, { shape: at(parts, 0).shape });
  });
  const summed = sumExamples(g, gradients, groups);
  const byTap = g.transpose(g.reshape(summed, [columns, outChannels / block, rows, inChannels * block]), [2, 0, 1, 3]);
  const taps = fromBlocks(g, g.reshape(byTap, [rows * columns, outChannels, inChannels, 1]));
  const tapsInside = g.transpose(g.reshape(taps, [rows * columns, outChannels * inChannels]), [1, 0]);
  return g.reshape(tapsInside, [outChannels, inChannels, ...kernelSize]);
}

function isCovered(geometry: ConvolutionGeometry, block: number): boolean {
  const { batch, groups, outChannels, kernelSize, dilations, strides, inSize, outSize } = geometry;
  const isPlane = kernelSize.length === 2 && product(dilations) === 1;
  const keepsSize = product(strides) === 1 && outSize.every((size, axis) => size === inSize[axis]);
  const isLarge = at(outSize, 0) >= Math.max(FEWEST_ROWS, at(kernelSize, 0));
  const isOfWholeRuns = batch % examplesAside(geometry, block) === 0;
  return isPlane && keepsSize && isLarge && isOfWholeRuns && groups === 1 && outChannels % block === 0;
}

/** The fewest images whose rows, one behind the other, are whole runs of pixels; the block is a power of two. */
function examplesAside({ outSize }: ConvolutionGeometry, block: number): number {
  const width = at(outSize, 1);
  return range(block).find((count) => count > 0 && (count * width) % block === 0) ?? block;
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

interface Aside {
  /** How many examples lie side by side. */
  readonly count: number;
  readonly block: number;
}

/**
 * The strip's rows of [N, C, H, W] as [N / count, rows, C, count · W], written as the blocked image
 * [1, N / count · b, rows, C · count · W / b]. The rows are gathered, which all threads do, while one alone would transpose.
 */
function rowsFirst(g: GraphBuilder, x: Value, { strip, count, block }: Aside & { readonly strip: Strip }): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const groups = batch / count;
  const blocks = blocksBehind(g, x);
  const [runs, length] = blocks ? [channels / block, width * block] : [channels, width];
  const rows = range(strip.to - strip.from).map((row) => row + strip.from);
  const places = rows.flatMap((row) =>
    range(runs).flatMap((run) => range(count).map((example) => (example * runs + run) * height + row)),
  );
  const gathered = gatherRows(g, g.reshape(blocks ?? x, [groups, count * runs * height, length]), places);
  const plain = blocks
    ? fromBlocks(g, g.reshape(gathered, [groups * rows.length, channels, 1, count * width]))
    : gathered;
  return g.reshape(plain, [1, groups * block, rows.length, (channels * count * width) / block]);
}

/** Blocked images [N, O, H, W] as [N / count, O, H, count · W]. */
function sideBySide(g: GraphBuilder, images: Value, { count, block }: Aside): Value {
  if (count === 1) return images;
  const [batch = 0, channels = 0, height = 0, width = 0] = images.shape;
  const runs = (channels / block) * height;
  const places = range(runs).flatMap((run) => range(count).map((example) => example * runs + run));
  const rows = g.reshape(images, [batch / count, count * runs, width * block]);
  return g.reshape(gatherRows(g, rows, places), [batch / count, channels, height, count * width]);
}

/** Rows [N, rows, length] in the order of `places`. */
function gatherRows(g: GraphBuilder, rows: Value, places: readonly number[]): Value {
  const [batch = 0, , length = 0] = rows.shape;
  return g.apply('Gather', [rows, g.constant(places, [places.length], 'int64')], {
    shape: [batch, places.length, length],
    attributes: { axis: 1 },
  });
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

/** The share of one strip, for all rows of the kernel, of every group of examples: [1, groups · O, h, C] blocked. */
function ofStrip(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  { geometry, strip, groups }: { geometry: ConvolutionGeometry; strip: Strip; groups: number },
): Value {
  const { outChannels, inChannels, kernelSize } = geometry;
  const block = at(x.shape, 1) / groups;
  const kernel = [strip.end - strip.first, at(dy.shape, 3) / block];
  const weight = g.reshape(dy, [groups * outChannels, block, ...kernel]);
  const attributes = {
    kernel_shape: kernel,
    pads: [strip.above, 0, strip.below, 0],
    strides: [1, at(kernel, 1)],
    group: groups,
  };
  const shape = [1, groups * outChannels, at(kernelSize, 0), inChannels];
  return blockedConvolution(g, { x, weight }, { shape, attributes });
}
