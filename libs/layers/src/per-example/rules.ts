import * as tf from '@tensorflow/tfjs-core';
import { unbroadcast } from '@tributary/tensor';
import { at, product } from '@tributary/onnx-graph';
import type { ExampleGradients, ExampleRule } from './observed-layer.js';

/** Gradients of the examples, laid out: [batch, …]. */
export function laidOut(gradients: tf.Tensor): ExampleGradients {
  const batch = at(gradients.shape, 0);
  const rows: tf.Tensor2D = tf.reshape(gradients, [batch, gradients.size / batch]);
  return {
    squaredNorms: tf.sum(tf.square(rows), 1),
    weightedSum: (weights) => tf.matMul(tf.reshape(weights, [1, batch]), rows),
  };
}

/** `dy` with every example's gradient times its weight. */
export function weighted(dy: tf.Tensor, weights: tf.Tensor1D): tf.Tensor {
  const batch = weights.size;
  return tf.reshape(tf.mul(tf.reshape(dy, [batch, dy.size / batch]), tf.reshape(weights, [batch, 1])), dy.shape);
}

/** A parameter of `shape` that is added to the output, repeated over its first dimensions. */
export function shiftRule(shape: readonly number[]): ExampleRule {
  return (dy, batch) => {
    const [rows = 0, ...rest] = dy.shape;
    const ones = new Array<number>(rest.length - shape.length + 1).fill(1);
    return laidOut(unbroadcast(tf.reshape(dy, [batch, rows / batch, ...rest]), [batch, ...ones, ...shape]));
  };
}

/** A parameter of `shape` that multiplies `x`, repeated over its first dimensions. */
export function scaleRule(x: tf.Tensor, shape: readonly number[]): ExampleRule {
  return (dy, batch) => shiftRule(shape)(tf.mul(dy, x), batch);
}

/**
 * Whether the norms of T outer products' sums come cheaper from T x T products of rows than from the sums themselves
 * (Li et al. 2022, section 4, count memory: 2 T² < K O).
 */
function isGhost({ tokens, width, outWidth }: Record<'tokens' | 'width' | 'outWidth', number>): boolean {
  return 2 * tokens ** 2 < width * outWidth;
}

/** ‖Σ_t dy_t x_tᵀ‖² = Σ_{t,s} (x_t · x_s) (dy_t · dy_s) for every example (Li et al. 2022, eq. 4). */
function ghostNorms(similarity: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return tf.sum(tf.mul(similarity, tf.matMul(dy, dy, false, true)), [1, 2]);
}

/** The weight [out, in] of y = x weightᵀ. */
export function linearRule(x: tf.Tensor, weight: tf.Tensor2D): ExampleRule {
  const [outWidth, width] = weight.shape;
  return (dy, batch) => {
    const tokens = product(x.shape) / batch / width;
    const xs: tf.Tensor3D = tf.reshape(x, [batch, tokens, width]);
    const dys: tf.Tensor3D = tf.reshape(dy, [batch, tokens, outWidth]);
    if (!isGhost({ tokens, width, outWidth })) return laidOut(tf.matMul(dys, xs, true, false));
    return {
      squaredNorms: ghostNorms(tf.matMul(xs, xs, false, true), dys),
      weightedSum: (weights) =>
        tokens === 1
          ? tf.matMul(tf.reshape(weighted(dy, weights), [batch, outWidth]), tf.reshape(x, [batch, width]), true, false)
          : tf.sum(tf.matMul(weighted(dys, weights), xs, true, false), 0),
    };
  };
}

/** The table [rows, width] that `indices` chose rows from: rows that are chosen more often than once add up. */
export function embeddingRule(table: tf.Tensor2D, indices: tf.Tensor): ExampleRule {
  const [count, width] = table.shape;
  return (dy, batch) => {
    const tokens = indices.size / batch;
    const rows = tf.reshape(indices, [batch, tokens, 1]);
    const isSame = tf.cast(tf.equal(rows, tf.reshape(indices, [batch, 1, tokens])), 'float32');
    return {
      squaredNorms: ghostNorms(isSame, tf.reshape(dy, [batch, tokens, width])),
      weightedSum: (weights) =>
        tf.unsortedSegmentSum(
          tf.reshape(weighted(dy, weights), [batch * tokens, width]),
          tf.reshape(indices, [batch * tokens]),
          count,
        ),
    };
  };
}
