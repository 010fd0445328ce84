import * as tf from '@tensorflow/tfjs-core';
import { hasKernel } from '@tributary/tensor';
import { SILU } from '@tributary/kernels';

/**
 * Sigmoid linear unit, x · sigmoid(x), of a tensor of any shape.
 * Hendrycks and Gimpel 2016, "Gaussian Error Linear Units (GELUs)".
 */
export function silu<T extends tf.Tensor>(x: T): T {
  if (!hasKernel(SILU)) return tf.mul(x, tf.sigmoid(x));
  return tf.engine().runKernel<T>(SILU, { x });
}
