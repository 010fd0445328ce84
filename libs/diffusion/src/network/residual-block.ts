import { avgPool2d, silu, upsampleNearest2d } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { convolution, fullyConnected, normalisation, type Layer } from './layers.js';
import type { ForwardContext, Parameter } from './parameter.js';
import type { UNetConfig } from './unet-config.js';

export interface ResidualBlockOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly embeddingWidth: number;
  /** Change of resolution inside the block. */
  readonly resample?: 'up' | 'down';
}

/** A block that also reads the condition embedding [batch, width]. */
export interface ConditionedBlock {
  readonly parameters: readonly Parameter[];
  readonly apply: (context: ForwardContext, x: tf.Tensor4D, embedding: tf.Tensor2D) => tf.Tensor4D;
}

/**
 * `ResnetBlock2D`: norm, SiLU, convolution, condition, norm, SiLU, dropout, convolution, plus the input.
 * The condition is added, or with `timeScaleShift` scales and shifts after the second norm (Dhariwal & Nichol 2021).
 */
export function residualBlock(name: string, options: ResidualBlockOptions, config: UNetConfig): ConditionedBlock {
  const { inChannels, outChannels, embeddingWidth, resample } = options;
  const { normGroups: groups, normEpsilon: epsilon, timeScaleShift } = config;
  const norm1 = normalisation(`${name}.norm1`, { channels: inChannels, groups, epsilon });
  const conv1 = convolution(`${name}.conv1`, { inChannels, outChannels, kernel: 3 });
  const projection = fullyConnected(`${name}.time_emb_proj`, embeddingWidth, outChannels * (timeScaleShift ? 2 : 1));
  const norm2 = normalisation(`${name}.norm2`, { channels: outChannels, groups, epsilon });
  const conv2 = convolution(`${name}.conv2`, { inChannels: outChannels, outChannels, kernel: 3 });
  const shortcut: Layer<tf.Tensor4D> | undefined =
    inChannels === outChannels
      ? undefined
      : convolution(`${name}.conv_shortcut`, { inChannels, outChannels, kernel: 1 });
  const parts = [norm1, conv1, projection, norm2, conv2, ...(shortcut ? [shortcut] : [])];

  return {
    parameters: parts.flatMap(({ parameters }) => parameters),
    apply: (context, x, embedding) => {
      const condition = tf.expandDims(tf.expandDims(projection.apply(context, silu(embedding)), 1), 1);
      const hidden = conv1.apply(context, changeResolution(silu(norm1.apply(context, x)), resample));
      const conditioned = timeScaleShift
        ? scaleAndShift(norm2.apply(context, hidden), condition, outChannels)
        : norm2.apply(context, tf.add(hidden, condition));
      const output = conv2.apply(context, dropped(context, name, silu(conditioned)));
      const input = changeResolution(x, resample);
      const result: tf.Tensor4D = tf.add(shortcut ? shortcut.apply(context, input) : input, output);
      context.observe?.(name, result);
      return result;
    },
  };
}

function changeResolution(x: tf.Tensor4D, resample: 'up' | 'down' | undefined): tf.Tensor4D {
  if (resample === undefined) return x;
  return resample === 'up' ? upsampleNearest2d(x, 2) : avgPool2d(x, 2);
}

/** h (1 + scale) + shift; `condition` is [batch, 1, 1, 2 · channels], scale first. */
function scaleAndShift(h: tf.Tensor4D, condition: tf.Tensor, channels: number): tf.Tensor4D {
  const scale = tf.slice(condition, [0, 0, 0, 0], [-1, -1, -1, channels]);
  const shift = tf.slice(condition, [0, 0, 0, channels], [-1, -1, -1, channels]);
  return tf.add(tf.mul(h, tf.add(scale, 1)), shift);
}

function dropped(context: ForwardContext, name: string, h: tf.Tensor4D): tf.Tensor4D {
  const mask = context.dropoutMasks?.[name];
  return mask ? tf.mul(h, mask) : h;
}
