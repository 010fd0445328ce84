import * as tf from '@tensorflow/tfjs-core';
import { product, range } from '@tributary/onnx-graph';

/** Each [channels]. The running statistics are state: training returns the next ones, sampling reads them. */
export interface BatchNormParameters {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
  readonly runningMean: tf.Tensor1D;
  readonly runningVariance: tf.Tensor1D;
}

export interface BatchNormOptions {
  /** Added to the variance; 1e-5 when left out. */
  readonly epsilon?: number;
  /** Share of the batch in the next running statistics; 0.1 when left out, as in PyTorch. */
  readonly momentum?: number;
}

export interface BatchNormTraining<T extends tf.Tensor> {
  readonly y: T;
  readonly runningMean: tf.Tensor1D;
  readonly runningVariance: tf.Tensor1D;
}

/** Batch normalisation in use (Ioffe and Szegedy 2015, algorithm 2), by the running statistics; x is [batch, …, channels]. */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  parameters: BatchNormParameters,
  options: BatchNormOptions = {},
): T {
  const { gamma, beta, runningMean, runningVariance } = parameters;
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(runningVariance, options.epsilon ?? 1e-5)));
  return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(runningMean, scale)));
}

/**
 * Batch normalisation in training (Ioffe and Szegedy 2015, algorithm 1), by the statistics of the batch. As in PyTorch, the
 * running variance follows the unbiased estimate.
 */
export function batchNormTraining<T extends tf.Tensor>(
  x: T,
  { gamma, beta, runningMean, runningVariance }: BatchNormParameters,
  { epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions = {},
): BatchNormTraining<T> {
  const { mean, variance } = tf.moments(x, range(x.rank - 1));
  const count = product(x.shape.slice(0, -1));
  const normalised = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  const follow = (running: tf.Tensor1D, batch: tf.Tensor): tf.Tensor1D =>
    tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum));
  return {
    y: tf.add(tf.mul(normalised, gamma), beta),
    runningMean: follow(runningMean, mean),
    runningVariance: follow(runningVariance, tf.mul(variance, count / (count - 1))),
  };
}
