import * as tf from '@tensorflow/tfjs-core';

/** Repeats every pixel `factor` times in both directions; x is [batch, height, width, channels]. */
export function upsampleNearest2d(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  return tf.image.resizeNearestNeighbor(x, [height * factor, width * factor]);
}

/** Mean of every `size` by `size` window, windows side by side; x is [batch, height, width, channels]. */
export function avgPool2d(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.avgPool(x, size, size, 'valid');
}

/** Largest element of every `size` by `size` window, windows side by side; x is [batch, height, width, channels]. */
export function maxPool2d(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.maxPool(x, size, size, 'valid');
}
