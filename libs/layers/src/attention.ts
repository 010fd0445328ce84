import * as tf from '@tensorflow/tfjs-core';
import { at } from '@tributary/onnx-graph';
import { hasKernel } from '@tributary/tensor';
import { ATTENTION } from '@tributary/kernels';

/**
 * Scaled dot-product attention, softmax(q kᵀ · scale) v (Vaswani et al. 2017, eq. 1).
 *
 * @param q     [batch, heads, tokens, headDim].
 * @param k     [batch, heads, keys, headDim], as v.
 * @param scale 1 / sqrt(headDim) when left out.
 * @returns [batch, heads, tokens, headDim].
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { scale }: { readonly scale?: number } = {},
): tf.Tensor4D {
  const scaled = tf.mul(q, scale ?? 1 / Math.sqrt(at(q.shape, 3)));
  if (!hasKernel(ATTENTION)) return tf.matMul(tf.softmax(tf.matMul(scaled, k, false, true)), v);
  return tf.engine().runKernel<tf.Tensor4D>(ATTENTION, { q: scaled, k, v });
}
