import { at, range } from '@tributary/onnx-graph';
import {
  type ConvolutionGeometry,
  perDimension,
  slideWindows,
  type WindowAttributes,
  type WindowGeometry,
} from './window-geometry.js';

/** tfjs's attributes of pools. */
export type PoolAttributes = WindowAttributes & { readonly filterSize: number | readonly number[] };

/** For an input [batch, …, channels]. A pool is like a convolution in which every channel is a group. */
export function poolGeometry(shape: readonly number[], attributes: PoolAttributes): ConvolutionGeometry {
  const inSize = shape.slice(1, -1);
  const channels = at(shape, shape.length - 1);
  const kernelSize = perDimension(attributes.filterSize, inSize.length);
  const windows = slideWindows(inSize, kernelSize, attributes);
  return { ...windows, batch: at(shape, 0), inChannels: channels, outChannels: channels, groups: channels };
}

/** One over the number of elements of every window that are not padding, in row-major order of the windows. */
export function windowShares({ inSize, outSize, kernelSize, strides, padBefore }: WindowGeometry): number[] {
  const counts = inSize.map((size, i) =>
    range(at(outSize, i)).map((window) => {
      const start = window * at(strides, i) - at(padBefore, i);
      return Math.min(size, start + at(kernelSize, i)) - Math.max(0, start);
    }),
  );
  const elements = counts.reduce((all, along) => all.flatMap((a) => along.map((b) => a * b)), [1]);
  return elements.map((count) => 1 / count);
}
