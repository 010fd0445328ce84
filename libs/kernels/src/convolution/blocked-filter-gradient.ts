import { at, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { blockedConvolution, fromBlocks, toBlocks } from '../blocked-layout.js';
import type { ConvolutionGeometry } from '../window-geometry.js';
import { sumExamples } from './example-sums.js';
import { slices, stripCount } from './strips.js';

const FEWEST_ROWS = 4;

/** How `x` and `dy` lie in memory so that a step along the pixels of `dy` is always the same step along those of `x`. */
interface Layout {
  readonly geometry: ConvolutionGeometry;
  readonly block: number;
  /** Rows of zeros behind every channel of `x`. */
  readonly emptyRows: number;
  /** From the first pixel of a channel of `x` to that of the next, in one phase of rows. */
  readonly channelLength: number;
  readonly strips: number;
}

/**
 * Gradient of a convolution with respect to its weight [O, C, h, w] as convolutions in ONNX Runtime's blocked layout, whose
 * kernels run faster than its matrix products and need fewer copies than those:
 *
 * dW[o, c, k] = Σ_q dy[o, q] · x[c, stride · q + k], a sum over pixels q, is a convolution in one dimension. The signal is `x`, all
 * channels one behind the other, with as many rows of zeros behind each as windows reach over the edge; the kernel is a channel
 * of `dy`, as long as an image; its stride is the length of a channel, so every output is another channel `c`.
 * Tap k says where it starts, and which columns of `dy` would meet the row before or behind: those are zeros.
 * Blocked, `dy` is a kernel as it lies in memory; every example is a group.
 *
 * @returns Undefined where that layout is not in use or the geometry does not fit.
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
  const strips = stripsOf(g, dy, layout);
  const [rows = 0, columns = 0] = kernelSize;
  // Column by column: what was made for one is free before the next.
  const byColumn = range(columns).map((column) => {
    const distance = column - at(geometry.padBefore, 1);
    const kernels = kernelsOf(g, strips, { layout, distance });
    return range(rows).map((row) => tapGradients(g, { signals, kernels, row, distance }, layout));
  });
  const taps = range(rows).flatMap((row) => byColumn.map((ofColumn) => at(ofColumn, row)));
  const joined = g.reshape(sumExamples(g, taps, geometry.batch), [taps.length, outChannels, inChannels + 1, 1]);
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

function layoutOf(g: GraphBuilder, geometry: ConvolutionGeometry): Layout | undefined {
  const block = g.target.nchwcBlock;
  if (block === undefined || !isCovered(geometry, block)) return undefined;
  const { kernelSize, strides, padBefore, outSize, inSize } = geometry;
  const [height = 0] = outSize;
  const above = Math.ceil(at(padBefore, 0) / at(strides, 0));
  const below = Math.floor((at(kernelSize, 0) - 1 - at(padBefore, 0)) / at(strides, 0));
  const emptyRows = Math.max(above, below);
  const channelLength = (height + emptyRows) * at(inSize, 1);
  return { geometry, block, emptyRows, channelLength, strips: stripCount(outSize) };
}

function isCovered(geometry: ConvolutionGeometry, block: number): boolean {
  const { batch, groups, inChannels, outChannels, kernelSize, dilations, strides, inSize, outSize } = geometry;
  const isPlane = kernelSize.length === 2 && product(kernelSize) > 1 && dilations.every((dilation) => dilation === 1);
  const keepsPixels = outSize.every((size, axis) => size * at(strides, axis) === inSize[axis]);
  const isLarge =
    inChannels >= block && outSize.every((size, axis) => size >= Math.max(FEWEST_ROWS, at(kernelSize, axis)));
  const isGroupable = batch < block || batch % block === 0;
  return isPlane && keepsPixels && isLarge && isGroupable && groups === 1 && outChannels % block === 0;
}

/** Every `stride`-th row of `x`, starting with row 0, 1, …, zeros behind: [1, N, 1, C · channel length] each. */
function signalsByRowPhase(g: GraphBuilder, x: Value, { geometry, emptyRows, channelLength }: Layout): Value[] {
  const { batch, inChannels, inSize, outSize, strides } = geometry;
  const [height = 0, width = 0] = inSize;
  const stride = at(strides, 0);
  const channels = batch * inChannels;
  const rows = at(outSize, 0) + emptyRows;
  const zeros = g.expand(g.scalar(0, 2), [channels, emptyRows * stride * width]);
  const padded = g.apply('Concat', [g.reshape(x, [channels, height * width]), zeros], {
    shape: [channels, rows * stride * width],
    attributes: { axis: 1 },
  });
  const signal = [1, batch, 1, inChannels * channelLength];
  if (stride === 1) return [g.reshape(padded, signal)];
  return slices(g, g.reshape(padded, [channels * rows, stride, width])).map((phase) => g.reshape(phase, signal));
}

/** The rows of blocked `dy` in strips: [N · O / b · rows, W · b] each. */
function stripsOf(g: GraphBuilder, dy: Value, { geometry, block, strips }: Layout): Value[] {
  const { batch, outChannels, outSize } = geometry;
  const [height = 0, width = 0] = outSize;
  const blocks = (batch * outChannels) / block;
  const blocked = g.reshape(toBlocks(g, dy), [blocks, strips, (height / strips) * width * block]);
  return slices(g, blocked).map((part) => g.reshape(part, [(blocks * height) / strips, width * block]));
}

/** The strips as kernels of one channel, with zeros in the columns whose window reaches over the left or right edge of `x`. */
function kernelsOf(g: GraphBuilder, strips: readonly Value[], { layout, distance }: ColumnChoice): Value[] {
  const { geometry, block } = layout;
  const { batch, outChannels, outSize, inSize, strides } = geometry;
  const isInside = range(at(outSize, 1)).map((column) => {
    const read = column * at(strides, 1) + distance;
    return read >= 0 && read < at(inSize, 1);
  });
  const mask = isInside.flatMap((inside) => new Array<number>(block).fill(inside ? 1 : 0));
  const factors = g.constant(mask, [1, mask.length], 'float32');
  return strips.map((strip) => {
    const kernel = isInside.every(Boolean) ? strip : g.apply('Mul', [strip, factors], { shape: strip.shape });
    return g.reshape(kernel, [batch * outChannels, 1, 1, product(strip.shape) / (batch * outChannels)]);
  });
}

interface ColumnChoice {
  readonly layout: Layout;
  /** Of what a window reads from the window's first pixel. */
  readonly distance: number;
}

interface Tap {
  readonly signals: readonly Value[];
  readonly kernels: readonly Value[];
  readonly row: number;
  readonly distance: number;
}

/**
 * One element of the kernel for all channels and examples, [1, N · O, 1, C + 1] blocked: a window may start behind the signal's
 * first pixel, which no padding expresses, so it starts one channel earlier and the first output is none.
 */
function tapGradients(g: GraphBuilder, { signals, kernels, row, distance }: Tap, layout: Layout): Value {
  const { geometry, channelLength } = layout;
  const { batch, outChannels, inChannels, inSize, strides, padBefore } = geometry;
  const [rowStride = 1, stride = 1] = strides;
  const firstRow = row - at(padBefore, 0);
  const phase = ((firstRow % rowStride) + rowStride) % rowStride;
  const start = ((firstRow - phase) / rowStride) * at(inSize, 1) + distance;
  const shape = [1, batch * outChannels, 1, inChannels + 1];
  const ofStrips = kernels.map((weight, strip) => {
    const pixels = at(weight.shape, 3);
    const before = channelLength - start - strip * pixels * stride;
    const attributes = {
      kernel_shape: [1, pixels],
      pads: [0, before, 0, Math.max(0, distance - stride + 1)],
      strides: [1, channelLength],
      dilations: [1, stride],
      group: batch,
    };
    return blockedConvolution(g, { x: at(signals, phase), weight }, { shape, attributes });
  });
  return ofStrips.length === 1 ? at(ofStrips, 0) : g.apply('Sum', ofStrips, { shape });
}
