import * as tf from '@tensorflow/tfjs-core';

/** The same values with a gradient of zero. */
export function stopGradient(x: tf.Tensor): tf.Tensor {
  const identity = tf.customGrad(() => ({ value: tf.mul(x, 1), gradFunc: () => tf.zerosLike(x) }));
  return identity(x);
}
