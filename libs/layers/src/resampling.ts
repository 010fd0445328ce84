import * as tf from '@tensorflow/tfjs-core';

/** Repeats every pixel `factor` times in both directions; x is [batch, height, width, channels]. */
export function upsampleNearest2d(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  return tf.image.resizeNearestNeighbor(x, [height * factor, width * factor]);
}

/** Repeats every voxel `factor` times in all three directions; x is [batch, depth, height, width, channels]. */
export function upsampleNearest3d(x: tf.Tensor5D, factor: number): tf.Tensor5D {
  const [batch, depth, height, width, channels] = x.shape;
  const slices: tf.Tensor4D = tf.reshape(x, [batch * depth, height, width, channels]);
  const wide = tf.reshape(upsampleNearest2d(slices, factor), [
    batch * depth,
    1,
    height * width * channels * factor ** 2,
  ]);
  const size: [number, number, number] = [depth * factor, height * factor, width * factor];
  const copies = tf.concat(new Array<tf.Tensor>(factor).fill(wide), 1);
  return tf.reshape(copies, [batch, ...size, channels]);
}

/** Mean of every `size` by `size` by `size` window, windows side by side; x is [batch, depth, height, width, channels]. */
export function avgPool3d(x: tf.Tensor5D, size: number): tf.Tensor5D {
  return tf.avgPool3d(x, size, size, 'valid');
}

/** Mean of every `size` by `size` window, windows side by side; x is [batch, height, width, channels]. */
export function avgPool2d(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.avgPool(x, size, size, 'valid');
}

/** Largest element of every `size` by `size` window, windows side by side; x is [batch, height, width, channels]. */
export function maxPool2d(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.maxPool(x, size, size, 'valid');
}
