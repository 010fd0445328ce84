import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '@tributary/onnx-graph';
import {
  ATTENTION,
  ATTENTION_GRADIENT,
  GROUP_NORM,
  GROUP_NORM_GRADIENT,
  SILU,
  SILU_GRADIENT,
} from '@tributary/kernels';
import { tensorflowKernel } from './tensorflow-kernel.js';

/** x · sigmoid(x); the gradient is dy · (s + y - y s) with s = sigmoid(x), which TensorFlow merges with the forward pass's own. */
const siluKernels = [
  tensorflowKernel<'x'>(SILU, ({ inputs: { x } }) => tf.mul(x, tf.sigmoid(x))),
  tensorflowKernel<'dy' | 'x'>(SILU_GRADIENT, ({ inputs: { dy, x } }) => {
    const gate = tf.sigmoid(x);
    const y = tf.mul(x, gate);
    return tf.mul(dy, tf.add(gate, tf.sub(y, tf.mul(y, gate))));
  }),
];

interface GroupNorm {
  readonly groups: number;
  readonly epsilon: number;
}

/** Sizes of one normalisation: B examples of P pixels and G groups of C / G channels. */
function sizesOf({ shape }: tf.Tensor, groups: number) {
  const batch = at(shape, 0);
  const channels = at(shape, shape.length - 1);
  const pixels = product(shape) / batch / channels;
  const perGroup = channels / groups;
  return { batch, channels, pixels, perGroup, count: pixels * perGroup };
}

/** Sums over pixels, then over the channels of each group: [batch, pixels, channels] to [batch, groups, 1]. */
function sumOfGroups(x: tf.Tensor, groups: number): tf.Tensor {
  const [batch = 0, , channels = 0] = x.shape;
  return tf.sum(tf.reshape(tf.sum(x, 1), [batch, groups, channels / groups]), 2, true);
}

/**
 * Forward: y, and the mean and 1 / sqrt(variance + epsilon) of every group, [batch, groups, 1].
 * The variance is taken from the deviations (two passes): E[x²] - E[x]² loses all digits when the mean is large.
 */
const groupNorm = tensorflowKernel<'x' | 'gamma' | 'beta', GroupNorm>(GROUP_NORM, ({ inputs, attributes }) => {
  const { groups, epsilon } = attributes;
  const { batch, channels, pixels, perGroup, count } = sizesOf(inputs.x, groups);
  const perChannel = (perGroupValue: tf.Tensor) =>
    tf.reshape(tf.broadcastTo(perGroupValue, [batch, groups, perGroup]), [batch, 1, channels]);
  const x = tf.reshape(inputs.x, [batch, pixels, channels]);
  const mean = tf.mul(sumOfGroups(x, groups), 1 / count);
  const means = perChannel(mean);
  const variance = tf.mul(sumOfGroups(tf.squaredDifference(x, means), groups), 1 / count);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const scale = tf.mul(perChannel(inverse), inputs.gamma);
  const shift = tf.sub(inputs.beta, tf.mul(means, scale));
  const y = tf.reshape(tf.add(tf.mul(x, scale), shift), inputs.x.shape);
  return [y, mean, inverse];
});

/**
 * Backward in closed form, with x̂ the normalised input and n elements a group:
 * dbeta = Σ dy, dgamma = Σ dy x̂, dx = (gamma dy - Σ(gamma dy) / n - x̂ Σ(gamma dy x̂) / n) / sqrt(variance + epsilon).
 */
const groupNormGradient = tensorflowKernel<'dy' | 'x' | 'gamma' | 'centre' | 'inverse', GroupNorm>(
  GROUP_NORM_GRADIENT,
  ({ inputs, attributes: { groups } }) => {
    const { centre, inverse } = inputs;
    const { batch, channels, pixels, perGroup, count } = sizesOf(inputs.x, groups);
    const perChannel = [batch, groups, perGroup];
    const spread = (value: tf.Tensor) => tf.reshape(tf.broadcastTo(value, perChannel), [batch, 1, channels]);
    const x = tf.reshape(inputs.x, [batch, pixels, channels]);
    const dy = tf.reshape(inputs.dy, [batch, pixels, channels]);
    const gamma = tf.reshape(inputs.gamma, [1, groups, perGroup]);
    const sumDy = tf.reshape(tf.sum(dy, 1), perChannel);
    const sumDyX = tf.reshape(tf.sum(tf.mul(dy, x), 1), perChannel);
    const sumDyNormalised = tf.mul(tf.sub(sumDyX, tf.mul(centre, sumDy)), inverse);
    const meanOf = (value: tf.Tensor) => tf.mul(tf.sum(tf.mul(value, gamma), 2, true), 1 / count);
    const slope = tf.mul(tf.square(inverse), meanOf(sumDyNormalised));
    const offset = tf.sub(tf.mul(centre, slope), tf.mul(inverse, meanOf(sumDy)));
    const scale = tf.reshape(tf.mul(gamma, inverse), [batch, 1, channels]);
    const dx = tf.add(tf.sub(tf.mul(dy, scale), tf.mul(x, spread(slope))), spread(offset));
    const overBatch = (value: tf.Tensor) => tf.reshape(tf.sum(value, 0), [channels]);
    return [tf.reshape(dx, inputs.x.shape), overBatch(sumDyNormalised), overBatch(sumDy)];
  },
);

const weightsOf = (q: tf.Tensor, k: tf.Tensor) => tf.softmax(tf.matMul(q, k, false, true));

/**
 * P = softmax(q kᵀ), y = P v; q comes scaled. With D = Σ dy · y over each row, dS = P · (dy vᵀ - D), and dq = dS k,
 * dk = dSᵀ q, dv = Pᵀ dy (Dao et al. 2022, "FlashAttention", section 3.1). The gradient's P is the forward pass's own:
 * TensorFlow merges equal operations on equal inputs.
 */
const attentionKernels = [
  tensorflowKernel<'q' | 'k' | 'v'>(ATTENTION, ({ inputs: { q, k, v } }) => tf.matMul(weightsOf(q, k), v)),
  tensorflowKernel<'dy' | 'q' | 'k' | 'v' | 'y'>(ATTENTION_GRADIENT, ({ inputs: { dy, q, k, v, y } }) => {
    const weights = weightsOf(q, k);
    const rowSums = tf.sum(tf.mul(dy, y), -1, true);
    const dScores = tf.mul(weights, tf.sub(tf.matMul(dy, v, false, true), rowSums));
    return [tf.matMul(dScores, k), tf.matMul(dScores, q, true), tf.matMul(weights, dy, true)];
  }),
];

export const tensorflowLayers = [...siluKernels, groupNorm, groupNormGradient, ...attentionKernels];
