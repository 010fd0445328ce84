import * as tf from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';
import { hasKernel } from '../recorder/recorder-name.js';
import { GROUP_NORM } from './group-norm-kernels.js';

export interface GroupNormOptions {
  /** Number of groups; divides the channels. */
  readonly groups: number;
  /** Added to the variance, > 0; PyTorch's default is 1e-5. */
  readonly epsilon: number;
}

/**
 * Group normalisation (Wu and He 2018, eq. 7): each group of channels of each example is given mean 0 and variance 1,
 * then y = gamma · x̂ + beta.
 *
 * @param x     [batch, …, channels], any number of spatial dimensions.
 * @param gamma [channels].
 * @param beta  [channels].
 * @throws RangeError when the groups do not divide the channels.
 */
export function groupNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  options: GroupNormOptions,
): T {
  const { groups, epsilon } = options;
  const channels = at(x.shape, x.rank - 1);
  if (channels % groups !== 0) throw new RangeError(`groupNorm: ${groups} groups do not divide ${channels} channels`);
  if (!hasKernel(GROUP_NORM)) return tf.add(tf.mul(normalise(x, options), gamma), beta);
  const [y] = tf.engine().runKernel<T[]>(GROUP_NORM, { x, gamma, beta }, { groups, epsilon });
  if (!y) throw new RangeError('groupNorm gave no output');
  return y;
}

function normalise(x: tf.Tensor, { groups, epsilon }: GroupNormOptions): tf.Tensor {
  const batch = at(x.shape, 0);
  const channels = at(x.shape, x.rank - 1);
  const grouped = tf.reshape(x, [batch, x.size / batch / channels, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  return tf.reshape(tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, epsilon))), x.shape);
}
