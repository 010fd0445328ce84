import * as tf from '@tensorflow/tfjs-core';

export interface ConvolutionOptions {
  /** Step of the window; 1 when left out. */
  readonly stride?: number;
  /** Zeros added on every side; 0 when left out. */
  readonly padding?: number;
}

/**
 * Two-dimensional convolution (cross-correlation, as in every network library).
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [outChannels, inChannels, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, outHeight, outWidth, outChannels] with outHeight = floor((height + 2 padding - kernel) / stride) + 1.
 */
export function conv2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias?: tf.Tensor1D,
  { stride = 1, padding = 0 }: ConvolutionOptions = {},
): tf.Tensor4D {
  const filter = tf.transpose(weight, [2, 3, 1, 0]);
  const y = tf.conv2d(x, filter, stride, padding, 'NHWC', 1, 'floor');
  return bias ? tf.add(y, bias) : y;
}
