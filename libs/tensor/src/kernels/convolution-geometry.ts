import { backend_util } from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';

/** Sizes of a convolution over any number of spatial dimensions. */
export interface ConvolutionGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly inSize: readonly number[];
  readonly outSize: readonly number[];
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padBefore: readonly number[];
  readonly padAfter: readonly number[];
}

/** Kernel extent including the gaps that dilation leaves: `(k - 1) * dilation + 1`. */
export function effectiveKernel(geometry: ConvolutionGeometry): number[] {
  return geometry.kernelSize.map((k, i) => (k - 1) * at(geometry.dilations, i) + 1);
}

/** Padding after the data that the last window really reads (tfjs reports padding that a stride may leave unread). */
export function readPadAfter(sizes: Omit<ConvolutionGeometry, 'padAfter'>): number[] {
  return sizes.outSize.map((out, i) => {
    const extent = (at(sizes.kernelSize, i) - 1) * at(sizes.dilations, i) + 1;
    return Math.max(0, (out - 1) * at(sizes.strides, i) + extent - at(sizes.inSize, i) - at(sizes.padBefore, i));
  });
}

function withPadAfter(sizes: Omit<ConvolutionGeometry, 'padAfter'>): ConvolutionGeometry {
  return { ...sizes, padAfter: readPadAfter(sizes) };
}

type Size4 = [number, number, number, number];
type Size5 = [number, number, number, number, number];

/** Geometry of tfjs's 2-D convolutions: input NHWC, filter HWIO (or HWC-multiplier when depthwise). */
export function geometry2d(
  inShape: readonly number[],
  filterShape: readonly number[],
  attributes: {
    strides: number | [number, number];
    dilations?: number | [number, number];
    pad: Parameters<typeof backend_util.computeConv2DInfo>[4];
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
    depthwise?: boolean;
  },
): ConvolutionGeometry {
  const { strides, dilations = 1, pad, dimRoundingMode, depthwise = false } = attributes;
  const info = backend_util.computeConv2DInfo(
    [...inShape] as Size4,
    [...filterShape] as Size4,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
  return withPadAfter({
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    groups: depthwise ? info.inChannels : 1,
    inSize: [info.inHeight, info.inWidth],
    outSize: [info.outHeight, info.outWidth],
    kernelSize: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.top, info.padInfo.left],
  });
}

/** Geometry of tfjs's 3-D convolutions: input NDHWC, filter DHWIO. */
export function geometry3d(
  inShape: readonly number[],
  filterShape: readonly number[],
  attributes: {
    strides: number | [number, number, number];
    dilations?: number | [number, number, number];
    pad: 'valid' | 'same';
  },
): ConvolutionGeometry {
  const { strides, dilations = 1, pad } = attributes;
  const info = backend_util.computeConv3DInfo(
    [...inShape] as Size5,
    [...filterShape] as Size5,
    strides,
    dilations,
    pad,
  );
  return withPadAfter({
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    groups: 1,
    inSize: [info.inDepth, info.inHeight, info.inWidth],
    outSize: [info.outDepth, info.outHeight, info.outWidth],
    kernelSize: [info.filterDepth, info.filterHeight, info.filterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  });
}
