import * as tf from '@tensorflow/tfjs-core';
import { runLayer } from './per-example/observed-layer.js';
import { scaleRule, shiftRule } from './per-example/rules.js';

/**
 * x + beta for a parameter that is the same for all examples, e.g. a position embedding.
 *
 * @param x    [batch, …].
 * @param beta The last dimensions of x, or some of them 1; fewer than x has.
 */
export function shift<T extends tf.Tensor>(x: T, beta: tf.Tensor): T {
  return runLayer({
    layer: 'shift',
    inputs: [x],
    parameters: [{ tensor: beta, rule: shiftRule(beta.shape) }],
    forward: () => tf.add<T>(x, beta),
  });
}

/**
 * x · gamma for a parameter that is the same for all examples, e.g. a gain a channel.
 *
 * @param x     [batch, …].
 * @param gamma The last dimensions of x, or some of them 1; fewer than x has.
 */
export function scale<T extends tf.Tensor>(x: T, gamma: tf.Tensor): T {
  return runLayer({
    layer: 'scale',
    inputs: [x],
    parameters: [{ tensor: gamma, rule: scaleRule(x, gamma.shape) }],
    forward: () => tf.mul<T>(x, gamma),
  });
}
