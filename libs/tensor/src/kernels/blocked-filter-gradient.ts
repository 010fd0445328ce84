import type { GraphBuilder } from '../graph/graph-builder.js';
import type { Value } from '../graph/graph.js';
import { at, product, range } from '../graph/shapes.js';
import { blockedConvolution, fromBlocks, toBlocks } from './blocked-layout.js';
import type { ConvolutionGeometry } from './window-geometry.js';

/** Pixels of `dy` that one pass reads for 64 output channels: 1 MiB, which a core's second cache holds. */
const PIXELS_A_STRIP = 4300;
const SHORTEST_STRIP = 4;

/** How rows and columns are laid out so that one step along the pixels of `dy` is the same step along those of `x`, everywhere. */
interface Layout {
  readonly geometry: ConvolutionGeometry;
  readonly block: number;
  /** Columns of `dy` with the zeros behind every row; a row of `x` has `stride` times as many. */
  readonly width: number;
  /** Rows of zeros behind every channel of `x`. */
  readonly emptyRows: number;
  /** From the first pixel of a channel of `x` to that of the next, in one phase of rows. */
  readonly channelLength: number;
  readonly strips: number;
}

/**
 * Gradient of a convolution with respect to its weight [O, C, h, w] as convolutions in ONNX Runtime's blocked layout, whose
 * kernels run half as fast again as its matrix products and need fewer copies than those:
 *
 * dW[o, c, k] = Σ_q dy[o, q] · x[c, stride · q + k], a sum over pixels q, is a convolution in one dimension. The signal is `x`, all
 * channels one behind the other, with as many zeros behind rows and channels as windows reach over the edge; the kernel is
 * a channel of `dy`, as long as an image; its stride is the length of a channel, so every output is another channel `c`.
 * Tap k says where it starts. Blocked, `dy` is a kernel as it lies in memory; every example is a group.
 *
 * Undefined where that layout is not in use or the geometry does not fit.
 */
export function blockedFilterGradient(
  g: GraphBuilder,
  { x, dy }: { readonly x: Value; readonly dy: Value },
  geometry: ConvolutionGeometry,
): Value | undefined {
  const layout = layoutOf(g, geometry);
  if (!layout) return undefined;
  const { outChannels, inChannels, kernelSize } = geometry;
  const signals = signalsByRowPhase(g, x, layout);
  const kernels = kernelStrips(g, withEmptyColumns(g, dy, geometry), layout);
  const taps = range(at(kernelSize, 0)).flatMap((row) => range(at(kernelSize, 1)).map((column) => [row, column]));
  const parts = taps.map(([row = 0, column = 0]) => tapGradient(g, { signals, kernels, row, column }, layout));
  const joined = g.apply('Concat', parts, {
    shape: [taps.length, outChannels, inChannels + 1, 1],
    attributes: { axis: 0 },
  });
  const withoutFirst = g.apply(
    'Slice',
    [fromBlocks(g, joined), g.int64([1]), g.int64([inChannels + 1]), g.int64([2])],
    {
      shape: [taps.length, outChannels, inChannels, 1],
    },
  );
  const tapsInside = g.transpose(g.reshape(withoutFirst, [taps.length, outChannels * inChannels]), [1, 0]);
  return g.reshape(tapsInside, [outChannels, inChannels, ...kernelSize]);
}

/** Whether `blockedFilterGradient` is defined, and so reads `dy` through `withEmptyColumns`. */
export function hasBlockedFilterGradient(g: GraphBuilder, geometry: ConvolutionGeometry): boolean {
  return layoutOf(g, geometry) !== undefined;
}

/** Columns of zeros behind every row of `dy`. */
export function emptyColumns({ kernelSize, strides, padBefore }: ConvolutionGeometry): number {
  const before = at(padBefore, 1);
  const stride = at(strides, 1);
  return Math.ceil(Math.max(before, at(kernelSize, 1) - before - stride) / stride);
}

export function withEmptyColumns(g: GraphBuilder, dy: Value, geometry: ConvolutionGeometry): Value {
  const columns = emptyColumns(geometry);
  const [batch = 0, channels = 0, height = 0, width = 0] = dy.shape;
  return g.apply('Pad', [dy, g.int64([0, 0, 0, 0, 0, 0, 0, columns])], {
    shape: [batch, channels, height, width + columns],
  });
}

function layoutOf(g: GraphBuilder, geometry: ConvolutionGeometry): Layout | undefined {
  const block = g.target.nchwcBlock;
  if (block === undefined || !isCovered(geometry, block)) return undefined;
  const { kernelSize, strides, padBefore, outSize } = geometry;
  const [height = 0, columns = 0] = outSize;
  const width = columns + emptyColumns(geometry);
  const above = Math.ceil(at(padBefore, 0) / at(strides, 0));
  const below = Math.floor((at(kernelSize, 0) - 1 - at(padBefore, 0)) / at(strides, 0));
  const emptyRows = Math.max(above, below);
  const channelLength = (height + emptyRows) * width * at(strides, 1);
  const wanted = Math.max(1, Math.round((height * width) / PIXELS_A_STRIP));
  const strips = range(wanted)
    .map((i) => wanted - i)
    .find((count) => height % count === 0);
  return { geometry, block, width, emptyRows, channelLength, strips: strips ?? 1 };
}

function isCovered(geometry: ConvolutionGeometry, block: number): boolean {
  const { batch, groups, inChannels, outChannels, kernelSize, dilations, strides, inSize, outSize } = geometry;
  const isPlane = kernelSize.length === 2 && product(kernelSize) > 1 && dilations.every((dilation) => dilation === 1);
  const keepsPixels = outSize.every((size, axis) => size * at(strides, axis) === inSize[axis]);
  const isLarge = inChannels >= block && Math.min(...outSize) >= SHORTEST_STRIP;
  const isGroupable = batch < block || batch % block === 0;
  return isPlane && keepsPixels && isLarge && isGroupable && groups === 1 && outChannels % block === 0;
}

/** Every `stride`-th row of `x`, starting with row 0, 1, …, zeros behind: [1, N, 1, C · channel length] each. */
function signalsByRowPhase(g: GraphBuilder, x: Value, { geometry, width, emptyRows, channelLength }: Layout): Value[] {
  const { batch, inChannels, inSize, outSize, strides } = geometry;
  const [stride = 1, columnStride = 1] = strides;
  const [height = 0, columns = 0] = inSize;
  const rowLength = width * columnStride;
  const rows = at(outSize, 0) + emptyRows;
  const padded = g.apply('Pad', [x, g.int64([0, 0, 0, 0, 0, 0, rows * stride - height, rowLength - columns])], {
    shape: [batch, inChannels, rows * stride, rowLength],
  });
  const signal = [1, batch, 1, inChannels * channelLength];
  if (stride === 1) return [g.reshape(padded, signal)];
  const phases = g.applyMany('Split', [g.reshape(padded, [batch * inChannels * rows, stride, rowLength])], {
    outputs: range(stride).map(() => ({ shape: [batch * inChannels * rows, 1, rowLength], type: x.type })),
    attributes: { axis: 1, num_outputs: stride },
  });
  return phases.map((phase) => g.reshape(phase, signal));
}

/** `dy` as kernels of one channel [N · O, 1, 1, pixels], cut into strips of rows. */
function kernelStrips(g: GraphBuilder, dy: Value, { geometry, block, width, strips }: Layout): Value[] {
  const { batch, outChannels, outSize } = geometry;
  const pixels = (at(outSize, 0) * width) / strips;
  const blocked = toBlocks(g, dy);
  const kernel = [batch * outChannels, 1, 1, pixels];
  if (strips === 1) return [g.reshape(blocked, kernel)];
  const blocks = (batch * outChannels) / block;
  const cut = g.applyMany('Split', [g.reshape(blocked, [blocks, strips, pixels * block])], {
    outputs: range(strips).map(() => ({ shape: [blocks, 1, pixels * block], type: dy.type })),
    attributes: { axis: 1, num_outputs: strips },
  });
  return cut.map((strip) => g.reshape(strip, kernel));
}

interface Tap {
  readonly signals: readonly Value[];
  readonly kernels: readonly Value[];
  readonly row: number;
  readonly column: number;
}

/**
 * One element of the kernel for all channels, [1, O, C + 1, 1] blocked: a window may start behind the signal's first pixel, which
 * no padding expresses, so it starts one channel earlier and the first output is none.
 */
function tapGradient(g: GraphBuilder, { signals, kernels, row, column }: Tap, layout: Layout): Value {
  const { geometry, width, channelLength } = layout;
  const { batch, outChannels, inChannels, strides, padBefore } = geometry;
  const [rowStride = 1, stride = 1] = strides;
  const firstRow = row - at(padBefore, 0);
  const firstColumn = column - at(padBefore, 1);
  const phase = ((firstRow % rowStride) + rowStride) % rowStride;
  const start = ((firstRow - phase) / rowStride) * width * stride + firstColumn;
  const outputs = outChannels * (inChannels + 1);
  const sums = kernels.map((kernel, strip) => {
    const pixels = at(kernel.shape, 3);
    const before = channelLength - start - strip * pixels * stride;
    const made = blockedConvolution(
      g,
      { x: at(signals, phase), weight: kernel },
      {
        shape: [1, batch * outChannels, 1, inChannels + 1],
        attributes: {
          kernel_shape: [1, pixels],
          pads: [0, before, 0, Math.max(0, firstColumn - stride + 1)],
          strides: [1, channelLength],
          dilations: [1, stride],
          group: batch,
        },
      },
    );
    return g.reshape(made, [batch, outputs]);
  });
  const first = at(sums, 0);
  const sum = sums.length === 1 ? first : g.apply('Sum', sums, { shape: first.shape });
  const ofBatch = g.apply('ReduceSum', [sum, g.int64([0])], { shape: [outputs], attributes: { keepdims: 0 } });
  return g.reshape(ofBatch, [1, outChannels, inChannels + 1, 1]);
}
