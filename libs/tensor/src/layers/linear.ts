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
  const rows = tf.reshape(x, [-1, at(x.shape, x.rank - 1)]);
  const product = tf.matMul(rows, weight, false, true);
  const y = bias ? tf.add(product, bias) : product;
  return tf.reshape(y, [...x.shape.slice(0, -1), at(weight.shape, 0)]);
}
