import { clippedGradient, valueAndGradient, type ValueAndGradient } from '@tributary/layers';
import type { Precision } from '@tributary/onnx-graph';
import type { Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet.js';
import { LOSS_SCALE, scaledGradient } from './loss-scaling.js';
import { exampleLosses } from './training-loss.js';

export interface StepGradientOptions {
  readonly inputs: Tensors;
  readonly weights: tf.Tensor1D;
  readonly precision: Precision;
  /** Longest gradient that one example may contribute, > 0; as long as they are when left out. */
  readonly exampleClipNorm?: number;
}

/**
 * Mean loss of a batch and its gradient; with `exampleClipNorm` the mean of the examples' clipped gradients (Abadi et al. 2016,
 * algorithm 1, without noise).
 * @throws RangeError for clipped gradients in float16.
 */
export function stepGradient(network: Network, options: StepGradientOptions): ValueAndGradient {
  const { inputs, weights, precision, exampleClipNorm } = options;
  const { manifest } = network;
  const losses = (parameters: Tensors): tf.Tensor1D => exampleLosses(network, parameters, inputs);
  if (exampleClipNorm !== undefined) {
    if (precision !== 'float32') throw new RangeError('the gradients of single examples are clipped in float32 only');
    const clipped = clippedGradient(losses, weights, { manifest, clipNorm: exampleClipNorm });
    return { value: tf.mean(clipped.losses), gradient: tf.div(clipped.gradient, clipped.losses.size) };
  }
  const loss = (parameters: Tensors): tf.Scalar => tf.mean(losses(parameters));
  if (precision === 'float32') return valueAndGradient(loss, weights, manifest);
  return scaledGradient(loss, { weights, manifest, scale: tensorOf(inputs, LOSS_SCALE, tf.Rank.R1) });
}
