import { type LossScale, type ParameterSpec, valueAndGradient, type ValueAndGradient } from '@tributary/layers';
import type { Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { replaceWhere } from './replace-where.js';

/** Name of the recorded step's input [1]. */
export const LOSS_SCALE = 'lossScale';

/** Just below the largest float32. A comparison finds infinity and NaN on GPUs too, which know no test for them. */
const OVERFLOW_NORM = 3e38;

/** Whether a gradient of this norm has overflowed. */
export function hasOverflowed(gradientNorm: number): boolean {
  return !(gradientNorm < OVERFLOW_NORM);
}

/** The recorded step's input; none in float32. */
export function lossScaleInputs(lossScale: LossScale | undefined): Record<string, Float32Array> {
  return lossScale ? { [LOSS_SCALE]: Float32Array.of(lossScale.scale) } : {};
}

export interface ScaledLoss {
  readonly weights: tf.Tensor1D;
  readonly manifest: readonly ParameterSpec[];
  /** [1] */
  readonly scale: tf.Tensor1D;
}

/** Loss and gradient by way of the scaled loss, ∇L = ∇(s L) / s (Micikevicius et al. 2018, section 3.2). */
export function scaledGradient(
  loss: (parameters: Tensors) => tf.Scalar,
  { weights, manifest, scale }: ScaledLoss,
): ValueAndGradient {
  const s = tf.reshape(scale, []);
  const scaled = valueAndGradient((parameters) => tf.mul(loss(parameters), s), weights, manifest);
  return { value: tf.div(scaled.value, s), gradient: tf.div(scaled.gradient, s) };
}

/** The state after a step; what it was before where the gradient overflowed. */
export function afterGoodStep(gradientNorm: tf.Scalar, before: Tensors, after: Tensors): Tensors {
  return replaceWhere(tf.less(tf.reshape(gradientNorm, [1]), OVERFLOW_NORM), before, after);
}
