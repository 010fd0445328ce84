import * as tf from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';

/**
 * y = x · weightᵀ + bias.
 *
 * @param x      [..., in]; any number of leading dimensions, at least one.
 * @param weight [out, in], PyTorch's layout.
 * @param bias   [out].
 * @returns [..., out].
 */
export function linear(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  const [outChannels, inChannels] = weight.shape;
  const y =
    x.rank === 2
      ? tf.matMul(x, weight, false, true)
      : linearOfTokens(x, tf.reshape(weight, [1, outChannels, inChannels]));
  return bias ? tf.add(y, bias) : y;
}

/** Batch by batch: merging batch and tokens would cost a transpose where channels are stored before tokens. */
function linearOfTokens(x: tf.Tensor, weight: tf.Tensor3D): tf.Tensor {
  const [, outChannels, inChannels] = weight.shape;
  const tokens = tf.reshape(x, [at(x.shape, 0), -1, inChannels]);
  return tf.reshape(tf.matMul(tokens, weight, false, true), [...x.shape.slice(0, -1), outChannels]);
}
