import * as tf from '@tensorflow/tfjs-core';
import { runLayer } from './per-example/observed-layer.js';
import { embeddingRule } from './per-example/rules.js';

/**
 * Rows of a table.
 *
 * @param table   [rows, width].
 * @param indices int32 of any shape, each in [0, rows).
 * @returns [...indices, width].
 */
export function embedding(table: tf.Tensor2D, indices: tf.Tensor): tf.Tensor {
  return runLayer({
    layer: 'embedding',
    inputs: [indices],
    parameters: [{ tensor: table, rule: embeddingRule(table, indices) }],
    forward: () => tf.gather(table, tf.cast(indices, 'int32')),
  });
}
