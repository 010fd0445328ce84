import * as tf from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';
import { isRecording } from '../recorder/recorder-name.js';

export interface ConvolutionOptions {
  /** Step of the window; 1 when left out. */
  readonly stride?: number;
  /** Zeros added on every side; 0 when left out. */
  readonly padding?: number;
}

export interface Convolution2dOptions extends ConvolutionOptions {
  /** Distance of the kernel's elements; 1 when left out. Needs stride 1. */
  readonly dilation?: number;
  /** Groups of channels that see only each other; 1 when left out. As many as input channels: depthwise. */
  readonly groups?: number;
}

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows and columns added after the last, to choose between the sizes that a strided convolution maps to one. */
  readonly outputPadding?: number;
}

/**
 * Two-dimensional convolution (cross-correlation, as in every network library).
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [outChannels, inChannels / groups, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, outHeight, outWidth, outChannels], outHeight = floor((height + 2 padding - (kernelHeight - 1) dilation - 1) / stride) + 1.
 * @throws RangeError when the groups do not divide the channels.
 */
export function conv2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias?: tf.Tensor1D,
  options: Convolution2dOptions = {},
): tf.Tensor4D {
  const y = groupedConvolution(x, weight, options);
  return bias ? tf.add(y, bias) : y;
}

function groupedConvolution(x: tf.Tensor4D, weight: tf.Tensor4D, options: Convolution2dOptions): tf.Tensor4D {
  const { groups = 1 } = options;
  const [outChannels, perGroup, height, width] = weight.shape;
  const inChannels = at(x.shape, 3);
  if (perGroup * groups !== inChannels || outChannels % groups !== 0) {
    throw new RangeError(
      `conv2d: ${groups} groups of ${perGroup} channels do not fit ${inChannels} to ${outChannels} channels`,
    );
  }
  if (groups === 1) return denseConvolution(x, weight, options);
  if (groups === inChannels) return depthwiseConvolution(x, weight, options);
  const weights = tf.split(weight, groups, 0);
  const parts = tf
    .split<tf.Tensor4D>(x, groups, 3)
    .map((part, i) =>
      denseConvolution(part, tf.reshape(at(weights, i), [outChannels / groups, perGroup, height, width]), options),
    );
  return tf.concat(parts, 3);
}

/** Padding by side: given as one number, tfjs takes the output's width from the kernel's height. */
function explicit(padding: number): tf.backend_util.ExplicitPadding {
  const side: [number, number] = [padding, padding];
  return [[0, 0], side, side, [0, 0]];
}

function denseConvolution(x: tf.Tensor4D, weight: tf.Tensor4D, options: Convolution2dOptions): tf.Tensor4D {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  // Backends other than the recorder have no gradient for dilation: there, zeros are put between the elements.
  const isNative = dilation === 1 || isRecording();
  const filter = tf.transpose<tf.Tensor4D>(isNative ? weight : dilate(weight, dilation), [2, 3, 1, 0]);
  return tf.conv2d(x, filter, stride, explicit(padding), 'NHWC', isNative ? dilation : 1, 'floor');
}

function depthwiseConvolution(x: tf.Tensor4D, weight: tf.Tensor4D, options: Convolution2dOptions): tf.Tensor4D {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const spread = dilate(weight, dilation);
  const [outChannels, , height, width] = spread.shape;
  const channels = at(x.shape, 3);
  const byChannel: tf.Tensor4D = tf.reshape(spread, [channels, outChannels / channels, height, width]);
  const filter = tf.transpose<tf.Tensor4D>(byChannel, [2, 3, 0, 1]);
  return tf.depthwiseConv2d(x, filter, stride, explicit(padding), 'NHWC', 1, 'floor');
}

/** The kernel with `dilation - 1` zeros between its elements: [O, I, h, w] to [O, I, (h - 1) dilation + 1, …]. */
function dilate(weight: tf.Tensor4D, dilation: number): tf.Tensor4D {
  if (dilation === 1) return weight;
  const [out, into, height, width] = weight.shape;
  const apart = tf.reshape(weight, [out * into, height, 1, width, 1]);
  const gap: [number, number] = [0, dilation - 1];
  const padded = tf.pad(apart, [[0, 0], [0, 0], gap, [0, 0], gap]);
  const spread: tf.Tensor4D = tf.reshape(padded, [out, into, height * dilation, width * dilation]);
  return tf.slice(spread, [0, 0, 0, 0], [out, into, (height - 1) * dilation + 1, (width - 1) * dilation + 1]);
}

/**
 * Three-dimensional convolution.
 *
 * @param x      [batch, depth, height, width, inChannels].
 * @param weight [outChannels, inChannels, kernelDepth, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 */
export function conv3d(
  x: tf.Tensor5D,
  weight: tf.Tensor5D,
  bias?: tf.Tensor1D,
  { stride = 1, padding = 0 }: ConvolutionOptions = {},
): tf.Tensor5D {
  const side: [number, number] = [padding, padding];
  const padded = padding === 0 ? x : tf.pad(x, [[0, 0], side, side, side, [0, 0]]);
  const y = tf.conv3d(padded, tf.transpose<tf.Tensor5D>(weight, [2, 3, 4, 1, 0]), stride, 'valid');
  return bias ? tf.add(y, bias) : y;
}

/**
 * Transposed two-dimensional convolution: the gradient of `conv2d` as a layer of its own.
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [inChannels, outChannels, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, outHeight, …], outHeight = (height - 1) stride - 2 padding + kernelHeight + outputPadding.
 */
export function convTranspose2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias?: tf.Tensor1D,
  { stride = 1, padding = 0, outputPadding = 0 }: TransposedConvolutionOptions = {},
): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const [, outChannels, kernelHeight, kernelWidth] = weight.shape;
  const enlarge = (size: number, kernel: number) => (size - 1) * stride - 2 * padding + kernel + outputPadding;
  const shape: [number, number, number, number] = [
    batch,
    enlarge(height, kernelHeight),
    enlarge(width, kernelWidth),
    outChannels,
  ];
  const filter = tf.transpose<tf.Tensor4D>(weight, [2, 3, 1, 0]);
  const y = tf.conv2dTranspose<tf.Tensor4D>(x, filter, shape, stride, explicit(padding), 'floor');
  return bias ? tf.add(y, bias) : y;
}
