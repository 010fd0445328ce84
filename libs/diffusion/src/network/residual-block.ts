import { silu } from '@tributary/layers';
import * as tf from '@tensorflow/tfjs-core';
import { asImages, enlarged, reduced, type Images } from './images.js';
import {
  applyConvolution,
  applyEnlargingConvolution,
  applyLinear,
  applyNorm,
  type BlockContext,
} from './forward-pass.js';
import type { ResidualShape } from './unet-structure.js';

/**
 * `ResnetBlock2D`: norm, SiLU, convolution, condition, norm, SiLU, dropout, convolution, plus the input.
 * The condition is added, or with `timeScaleShift` scales and shifts after the second norm (Dhariwal & Nichol 2021).
 */
export function applyResidual(context: BlockContext, shape: ResidualShape, x: Images): Images {
  const projected = applyLinear(context, shape.projection, silu(context.embedding));
  const condition = tf.reshape(projected, [x.shape[0], ...x.shape.slice(1, -1).map(() => 1), -1]);
  const hidden = firstConvolution(context, shape, silu(applyNorm(context, shape.norm1, x)));
  const conditioned = context.config.timeScaleShift
    ? scaleAndShift(applyNorm(context, shape.norm2, hidden), condition, shape.norm2.channels)
    : applyNorm(context, shape.norm2, asImages(tf.add(hidden, condition)));
  const mask = context.dropoutMasks?.[shape.name];
  const kept = mask ? tf.mul(silu(conditioned), mask) : silu(conditioned);
  const output = applyConvolution(context, shape.conv2, asImages(kept));

  const input = changeResolution(x, shape.resample);
  const result = asImages(tf.add(shape.shortcut ? applyConvolution(context, shape.shortcut, input) : input, output));
  context.observe?.(shape.name, result);
  return result;
}

function firstConvolution(context: BlockContext, { conv1, resample }: ResidualShape, x: Images): Images {
  if (resample === 'up') return applyEnlargingConvolution(context, conv1, x);
  return applyConvolution(context, conv1, changeResolution(x, resample));
}

function changeResolution(x: Images, resample: ResidualShape['resample']): Images {
  if (resample === undefined) return x;
  return resample === 'up' ? enlarged(x) : reduced(x);
}

/** h (1 + scale) + shift; `condition` is [batch, 1, …, 2 · channels], scale first. */
function scaleAndShift(h: Images, condition: tf.Tensor, channels: number): Images {
  const [scale, shift] = tf.split(condition, [channels, channels], condition.rank - 1);
  if (!scale || !shift) throw new RangeError('a condition holds a scale and a shift');
  return asImages(tf.add(tf.mul(h, tf.add(scale, 1)), shift));
}
