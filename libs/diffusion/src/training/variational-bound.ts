import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import { CLEAN, type NoiseLevel } from '../processes/noise-process.js';
import { posterior } from '../samplers/posterior.js';

/** Share of the bound in the hybrid loss, Nichol & Dhariwal 2021, eq. 16. */
const LAMBDA = 0.001;

/** Numbers that `boundTerms` gives for one example. */
export const BOUND_TERMS = 6;

/**
 * What the bound of one example needs besides the network's output: log of the smallest and of the largest variance, variance of the
 * true posterior, factor from an error of the raw output to one of the mean, a constant, and the weight in the loss.
 *
 * Nichol & Dhariwal 2021, eq. 4-6 and 15. At the first step the bound is the negative log density of the clean image (their images
 * have 8 bits and a probability instead); its smallest variance is that of the second step, which is not zero.
 *
 * @param level At a whole time of a discrete process.
 */
export function boundTerms({ process, preconditioning }: DiffusionModel, level: NoiseLevel): number[] {
  const isFirst = level.time === 0;
  const q = posterior(level, isFirst ? CLEAN : process.level(level.time - 1));
  const smallest = isFirst ? posterior(process.level(1), level).variance : q.variance;
  const constant = isFirst ? Math.log(2 * Math.PI) : -1 - Math.log(q.variance);
  return [
    Math.log(smallest),
    Math.log(q.forwardVariance),
    q.variance,
    q.factorOfDenoised * preconditioning(level).output,
    constant,
    LAMBDA * (process.maxTime + 1),
  ];
}

export interface BoundInputs {
  /** [batch, values]: what the network says of the variance; -1 is the smallest, 1 the largest. */
  readonly variance: tf.Tensor;
  /** [batch, values]: error of the raw output; the bound does not train it. */
  readonly error: tf.Tensor;
  /** [batch, BOUND_TERMS] */
  readonly terms: tf.Tensor;
}

/**
 * Each example's part of the loss, [batch]: KL(q(x_(t-1) | x_t, x_0) || p(x_(t-1) | x_t)) in bits per dimension, times T and lambda.
 * The log variance goes from the smallest to the largest as the output goes from -1 to 1.
 */
export function weightedBound({ variance, error, terms }: BoundInputs): tf.Tensor {
  const [logSmallest, logLargest, trueVariance, meanFactor, constant, weight] = tf.split(terms, BOUND_TERMS, 1);
  if (!logSmallest || !logLargest || !trueVariance || !meanFactor || !constant || !weight)
    throw new RangeError(`terms must be [batch, ${BOUND_TERMS}]`);
  const share = tf.mul(tf.add(variance, 1), 0.5);
  const logVariance = tf.add(logSmallest, tf.mul(share, tf.sub(logLargest, logSmallest)));
  const spread = tf.add(trueVariance, tf.square(tf.mul(meanFactor, error)));
  const twice = tf.add(tf.add(constant, logVariance), tf.mul(spread, tf.exp(tf.neg(logVariance))));
  const bits = tf.mul(tf.mean(twice, 1), 0.5 / Math.LN2);
  return tf.mul(bits, tf.reshape(weight, [-1]));
}
