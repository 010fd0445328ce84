import { avgPool2d, silu, upsampleNearest2d } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { applyConvolution, applyLinear, applyNorm, type BlockContext } from './forward-pass.js';
import type { ResidualShape } from './unet-structure.js';

/**
 * `ResnetBlock2D`: norm, SiLU, convolution, condition, norm, SiLU, dropout, convolution, plus the input.
 * The condition is added, or with `timeScaleShift` scales and shifts after the second norm (Dhariwal & Nichol 2021).
 */
export function applyResidual(context: BlockContext, shape: ResidualShape, x: tf.Tensor4D): tf.Tensor4D {
  const condition = tf.expandDims(tf.expandDims(applyLinear(context, shape.projection, silu(context.embedding)), 1), 1);
  const activated = changeResolution(silu(applyNorm(context, shape.norm1, x)), shape.resample);
  const hidden = applyConvolution(context, shape.conv1, activated);
  const conditioned = context.config.timeScaleShift
    ? scaleAndShift(applyNorm(context, shape.norm2, hidden), condition, shape.norm2.channels)
    : applyNorm(context, shape.norm2, tf.add(hidden, condition));
  const mask = context.dropoutMasks?.[shape.name];
  const kept = mask ? tf.mul(silu(conditioned), mask) : silu(conditioned);
  const output = applyConvolution(context, shape.conv2, tf.reshape(kept, conditioned.shape));

  const input = changeResolution(x, shape.resample);
  const result: tf.Tensor4D = tf.add(shape.shortcut ? applyConvolution(context, shape.shortcut, input) : input, output);
  context.observe?.(shape.name, result);
  return result;
}

function changeResolution(x: tf.Tensor4D, resample: ResidualShape['resample']): tf.Tensor4D {
  if (resample === undefined) return x;
  return resample === 'up' ? upsampleNearest2d(x, 2) : avgPool2d(x, 2);
}

/** h (1 + scale) + shift; `condition` is [batch, 1, 1, 2 · channels], scale first. */
function scaleAndShift(h: tf.Tensor4D, condition: tf.Tensor, channels: number): tf.Tensor4D {
  const scale = tf.slice(condition, [0, 0, 0, 0], [-1, -1, -1, channels]);
  const shift = tf.slice(condition, [0, 0, 0, channels], [-1, -1, -1, channels]);
  return tf.add(tf.mul(h, tf.add(scale, 1)), shift);
}
