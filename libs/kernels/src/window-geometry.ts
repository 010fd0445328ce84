import { at, product } from '@tributary/onnx-graph';

/** How windows lie over the spatial dimensions: of convolutions and of pools, in two dimensions or three. */
export interface WindowGeometry {
  readonly inSize: readonly number[];
  readonly outSize: readonly number[];
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padBefore: readonly number[];
  /** Padding after the data that the last window really reads: a stride may leave some of what was asked for unread. */
  readonly padAfter: readonly number[];
}

type Sizes = number | readonly number[];

/** tfjs's attributes of convolutions and pools; explicit padding has a pair for batch and channels too. */
export interface WindowAttributes {
  readonly strides: Sizes;
  readonly dilations?: Sizes;
  readonly pad: 'same' | 'valid' | number | readonly (readonly [number, number])[];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dataFormat?: string;
}

/** The rules of tfjs (and TensorFlow) for the number of windows and the padding. @throws RangeError for channels first. */
export function slideWindows(
  inSize: readonly number[],
  kernelSize: readonly number[],
  attributes: WindowAttributes,
): WindowGeometry {
  const { pad, dimRoundingMode = 'floor', dataFormat = 'NHWC' } = attributes;
  if (dataFormat.startsWith('NC')) throw new RangeError(`only channels-last data can be recorded, not ${dataFormat}`);
  const strides = perDimension(attributes.strides, inSize.length);
  const dilations = perDimension(attributes.dilations ?? 1, inSize.length);
  const extents = effectiveKernel({ kernelSize, dilations });
  const sides = inSize.map((size, i) => {
    const stride = at(strides, i);
    const extent = at(extents, i);
    if (pad === 'valid') return { out: Math.ceil((size - extent + 1) / stride), before: 0 };
    if (pad === 'same') {
      const out = Math.ceil(size / stride);
      return { out, before: Math.floor(Math.max(0, (out - 1) * stride + extent - size) / 2) };
    }
    const [before, after] = typeof pad === 'number' ? [pad, pad] : at(pad, i + 1);
    return { out: Math[dimRoundingMode]((size - extent + before + after) / stride) + 1, before };
  });
  const padAfter = sides.map(({ out, before }, i) =>
    Math.max(0, (out - 1) * at(strides, i) + at(extents, i) - at(inSize, i) - before),
  );
  const outSize = sides.map(({ out }) => out);
  return { inSize, outSize, kernelSize, strides, dilations, padBefore: sides.map(({ before }) => before), padAfter };
}

/** One number for every dimension, given as a list or as one for all. */
export function perDimension(sizes: Sizes, rank: number): readonly number[] {
  return typeof sizes === 'number' ? new Array<number>(rank).fill(sizes) : sizes;
}

/** Kernel extent including the gaps that dilation leaves: `(k - 1) * dilation + 1`. */
export function effectiveKernel({ kernelSize, dilations }: Pick<WindowGeometry, 'kernelSize' | 'dilations'>): number[] {
  return kernelSize.map((k, i) => (k - 1) * at(dilations, i) + 1);
}

/** Whether the windows cut the data into equal parts: no overlap, no padding, nothing left over. */
export function isTiling({ inSize, outSize, kernelSize, strides }: WindowGeometry): boolean {
  return kernelSize.every((k, i) => k === strides[i] && inSize[i] === at(outSize, i) * k);
}

/** A convolution's windows and channels. */
export interface ConvolutionGeometry extends WindowGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** Geometry for an input [batch, …, channels] and a filter […, in / groups, out] (depthwise: […, in, multiplier]). */
export function convolutionGeometry(
  inShape: readonly number[],
  filterShape: readonly number[],
  attributes: WindowAttributes & { readonly isDepthwise: boolean },
): ConvolutionGeometry {
  const windows = slideWindows(inShape.slice(1, -1), filterShape.slice(0, -2), attributes);
  const inChannels = at(inShape, inShape.length - 1);
  const [filterIn = 1, filterOut = 1] = filterShape.slice(-2);
  const groups = attributes.isDepthwise ? inChannels : inChannels / filterIn;
  const outChannels = attributes.isDepthwise ? product([filterIn, filterOut]) : filterOut;
  return { ...windows, batch: at(inShape, 0), inChannels, outChannels, groups };
}
