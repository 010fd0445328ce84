import * as tf from '@tensorflow/tfjs-core';
import { runLayer } from './per-example/observed-layer.js';

/** The same values with a gradient of zero: for parameters that are stored but not trained. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  const { shape } = x;
  const identity = tf.customGrad<T>(() => ({ value: tf.mul<T>(x, 1), gradFunc: () => tf.zeros(shape) }));
  return runLayer({ layer: 'stopGradient', inputs: [], parameters: [], forward: () => identity(x) });
}
