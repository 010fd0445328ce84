import * as tf from '@tensorflow/tfjs-core';
import { at } from '@tributary/onnx-graph';
import { type ExampleRule, runLayer } from './per-example/observed-layer.js';
import { laidOut, scaleRule, shiftRule } from './per-example/rules.js';
import { hasKernel, isRecording } from '@tributary/tensor';
import { GROUP_NORM, GROUP_NORM_GRADIENT } from '@tributary/kernels';

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
  const { groups } = options;
  const channels = at(x.shape, x.rank - 1);
  if (channels % groups !== 0) throw new RangeError(`groupNorm: ${groups} groups do not divide ${channels} channels`);
  const call = { x, gamma, beta };
  return runLayer({
    layer: 'groupNorm',
    inputs: [x],
    parameters: [
      { tensor: gamma, rule: affineRule(call, options, 'gamma') },
      { tensor: beta, rule: affineRule(call, options, 'beta') },
    ],
    forward: () =>
      hasKernel(GROUP_NORM) ? runKernel(call, options).y : tf.add(tf.mul(normalise(x, options), gamma), beta),
  });
}

interface Call<T extends tf.Tensor> {
  readonly x: T;
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
}

function runKernel<T extends tf.Tensor>(call: Call<T>, { groups, epsilon }: GroupNormOptions) {
  const [y, centre, inverse] = tf.engine().runKernel<T[]>(GROUP_NORM, { ...call }, { groups, epsilon });
  if (!y || !centre || !inverse) throw new RangeError('groupNorm gave no output');
  return { y, centre, inverse };
}

/** Recorded, the shares of the examples are by-products of the gradient (the same nodes, written once). */
function affineRule(call: Call<tf.Tensor>, options: GroupNormOptions, parameter: 'gamma' | 'beta'): ExampleRule {
  const { x, gamma } = call;
  return (dy, batch) => {
    if (dy.shape[0] !== batch)
      throw new RangeError(`groupNorm of ${dy.shape[0]} images has no gradients for ${batch} examples`);
    if (!isRecording()) {
      const rule = parameter === 'gamma' ? scaleRule(normalise(x, options), gamma.shape) : shiftRule(gamma.shape);
      return rule(dy, batch);
    }
    const { centre, inverse } = runKernel(call, options);
    const { groups, epsilon } = options;
    const gradients = tf
      .engine()
      .runKernel<tf.Tensor[]>(GROUP_NORM_GRADIENT, { dy, x, gamma, centre, inverse }, { groups, epsilon });
    return laidOut(at(gradients, parameter === 'gamma' ? 3 : 4));
  };
}

function normalise(x: tf.Tensor, { groups, epsilon }: GroupNormOptions): tf.Tensor {
  const batch = at(x.shape, 0);
  const channels = at(x.shape, x.rank - 1);
  const grouped = tf.reshape(x, [batch, x.size / batch / channels, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  return tf.reshape(tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, epsilon))), x.shape);
}
