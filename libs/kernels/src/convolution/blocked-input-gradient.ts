import { at, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { blockedConvolution, blocksBehind, fromBlocks, toBlocks } from '../blocked-layout.js';
import { blockedSwappedWeight } from './blocked-weight.js';
import type { ConvolutionGeometry } from '../window-geometry.js';

/** The pixels q · stride + phase along one dimension: which elements of the kernel reach them, and from where. */
interface Phase {
  /** Every `stride`-th element, the last first. */
  readonly taps: readonly number[];
  readonly padBefore: number;
  readonly padAfter: number;
}

/**
 * Gradient of a convolution with respect to its input, in ONNX Runtime's blocked layout: a convolution of `dy` with the kernel
 * mirrored in space and its channels swapped. With strides, the pixels of every phase of the stride are a convolution with
 * every `stride`-th element of the kernel (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?",
 * section 2), and the phases are interleaved: nothing is multiplied by zeros.
 *
 * @returns Undefined where that layout is not in use or the geometry does not fit.
 */
export function blockedInputGradient(
  g: GraphBuilder,
  { dy, weight }: { readonly dy: Value; readonly weight: Value },
  geometry: ConvolutionGeometry,
): Value | undefined {
  const block = g.target.nchwcBlock;
  if (block === undefined || !isCovered(geometry, block)) return undefined;
  if (product(geometry.kernelSize) === 1 && !blocksBehind(g, dy)) return undefined;
  const [rows, columns] = [phases(geometry, 0), phases(geometry, 1)];
  if (!rows || !columns) return undefined;
  const { batch, inChannels, outChannels, inSize, kernelSize, strides } = geometry;
  const [height = 0, width = 0] = inSize.map((size, axis) => size / at(strides, axis));
  const x = toBlocks(g, dy);
  const phase = (row: Phase, column: Phase): Value => {
    const taps = row.taps.flatMap((i) => column.taps.map((k) => i * at(kernelSize, 1) + k));
    const kernel = [row.taps.length, column.taps.length];
    const part = g.reshape(blockedSwappedWeight(g, weight, { taps, block }), [inChannels, outChannels, ...kernel]);
    const pads = [row.padBefore, column.padBefore, row.padAfter, column.padAfter];
    const attributes = { kernel_shape: kernel, pads, strides: [1, 1], group: 1 };
    return blockedConvolution(g, { x, weight: part }, { shape: [batch, inChannels, height, width], attributes });
  };
  const ofRow = (row: Phase) =>
    interleave(
      g,
      columns.map((column) => phase(row, column)),
      block,
    );
  const all = interleave(g, rows.map(ofRow), at(inSize, 1) * block);
  return fromBlocks(g, g.reshape(all, [batch, inChannels, ...inSize]));
}

function isCovered(geometry: ConvolutionGeometry, block: number): boolean {
  const { inChannels, outChannels, groups, kernelSize, dilations, strides, inSize } = geometry;
  const isPlane = kernelSize.length === 2 && dilations.every((dilation) => dilation === 1);
  const isDivisible = inSize.every((size, axis) => size % at(strides, axis) === 0);
  return isPlane && isDivisible && groups === 1 && inChannels % block === 0 && outChannels % block === 0;
}

/** Undefined when a pixel has no window over it, or windows would have to be cut. */
function phases({ kernelSize, strides, padBefore, inSize, outSize }: ConvolutionGeometry, axis: number) {
  const [stride, size, pad] = [at(strides, axis), at(kernelSize, axis), at(padBefore, axis)];
  const pixels = at(inSize, axis) / stride;
  const all = range(stride).map((phase): Phase => {
    const first = (phase + pad) % stride;
    const count = Math.ceil((size - first) / stride);
    const before = count - 1 - (phase + pad - first) / stride;
    const taps = range(count).map((i) => first + (count - 1 - i) * stride);
    return { taps, padBefore: before, padAfter: pixels + count - 1 - at(outSize, axis) - before };
  });
  const isWhole = all.every(({ taps, padBefore: before, padAfter }) => taps.length > 0 && before >= 0 && padAfter >= 0);
  return isWhole ? all : undefined;
}

/** Runs of `length` numbers of every part in turn. */
function interleave(g: GraphBuilder, parts: readonly Value[], length: number): Value {
  const first = at(parts, 0);
  if (parts.length === 1) return first;
  const runs = product(first.shape) / length;
  const rows = parts.map((part) => g.reshape(part, [runs, length]));
  return g.apply('Concat', rows, { shape: [runs, length * parts.length], attributes: { axis: 1 } });
}
