import * as tf from '@tensorflow/tfjs-core';
import { at } from '@tributary/onnx-graph';
import { runLayer } from './per-example/observed-layer.js';
import { linearRule, shiftRule } from './per-example/rules.js';

/**
 * y = x · weightᵀ + bias.
 *
 * @param x      [..., in]; any number of leading dimensions, at least one.
 * @param weight [out, in], PyTorch's layout.
 * @param bias   [out].
 * @returns [..., out].
 */
export function linear(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  const ofWeight = { tensor: weight, rule: linearRule(x, weight) };
  return runLayer({
    layer: 'linear',
    inputs: [x],
    parameters: bias ? [ofWeight, { tensor: bias, rule: shiftRule(bias.shape) }] : [ofWeight],
    forward: () => (bias ? tf.add(product(x, weight), bias) : product(x, weight)),
  });
}

function product(x: tf.Tensor, weight: tf.Tensor2D): tf.Tensor {
  if (x.rank === 2) return tf.matMul(x, weight, false, true);
  return linearOfTokens(x, tf.reshape(weight, [1, ...weight.shape]));
}

/** Batch by batch: merging batch and tokens would cost a transpose where channels are stored before tokens. */
function linearOfTokens(x: tf.Tensor, weight: tf.Tensor3D): tf.Tensor {
  const [, outChannels, inChannels] = weight.shape;
  const tokens = tf.reshape(x, [at(x.shape, 0), -1, inChannels]);
  return tf.reshape(tf.matMul(tokens, weight, false, true), [...x.shape.slice(0, -1), outChannels]);
}
