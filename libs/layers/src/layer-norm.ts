import * as tf from '@tensorflow/tfjs-core';
import { runLayer } from './per-example/observed-layer.js';
import { scaleRule, shiftRule } from './per-example/rules.js';
import { isRecording } from '@tributary/tensor';
import { LAYER_NORM } from '@tributary/kernels';

/**
 * Layer normalisation over the last dimension (Ba et al. 2016, eq. 4): y = gamma · (x - mean) / sqrt(variance + epsilon) + beta.
 *
 * @param x       [..., channels].
 * @param gamma   [channels], as beta.
 * @param epsilon Added to the variance, > 0; PyTorch's default is 1e-5.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): T {
  return runLayer({
    layer: 'layerNorm',
    inputs: [x],
    parameters: [
      { tensor: gamma, rule: (dy, batch) => scaleRule(normalise(x, epsilon), gamma.shape)(dy, batch) },
      { tensor: beta, rule: shiftRule(beta.shape) },
    ],
    forward: () => {
      if (!isRecording()) return tf.add<T>(tf.mul(normalise(x, epsilon), gamma), beta);
      const [y] = tf.engine().runKernel<T[]>(LAYER_NORM, { x, gamma, beta }, { epsilon });
      if (!y) throw new RangeError('layerNorm gave no output');
      return y;
    },
  });
}

function normalise(x: tf.Tensor, epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
}
