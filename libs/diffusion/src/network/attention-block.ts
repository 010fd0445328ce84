import { attention } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { fullyConnected, normalisation, type Layer } from './layers.js';
import type { UNetConfig } from './unet-config.js';

export interface AttentionOptions {
  readonly channels: number;
  /** Group normalisation of the input; diffusers leaves it out in the middle block of scale-shift networks. */
  readonly normalised: boolean;
}

/** Self-attention over all pixels with a residual connection: diffusers' `Attention` inside a `UNet2DModel`. */
export function attentionBlock(name: string, options: AttentionOptions, config: UNetConfig): Layer<tf.Tensor4D> {
  const { channels, normalised } = options;
  const headDim = config.attentionHeadDim ?? channels;
  const heads = channels / headDim;
  if (!Number.isInteger(heads)) throw new RangeError(`${channels} channels do not divide into heads of ${headDim}`);
  const norm = normalisation(`${name}.group_norm`, {
    channels,
    groups: config.normGroups,
    epsilon: config.normEpsilon,
  });
  const query = fullyConnected(`${name}.to_q`, channels, channels);
  const key = fullyConnected(`${name}.to_k`, channels, channels);
  const value = fullyConnected(`${name}.to_v`, channels, channels);
  const output = fullyConnected(`${name}.to_out.0`, channels, channels);
  const parts = [...(normalised ? [norm] : []), query, key, value, output];

  return {
    parameters: parts.flatMap(({ parameters }) => parameters),
    apply: (context, x) => {
      const [batch, height, width] = x.shape;
      const tokens = height * width;
      const flat = tf.reshape(normalised ? norm.apply(context, x) : x, [batch * tokens, channels]);
      const split = (projection: Layer<tf.Tensor>): tf.Tensor4D =>
        tf.transpose(tf.reshape(projection.apply(context, flat), [batch, tokens, heads, headDim]), [0, 2, 1, 3]);
      const mixed = attention(split(query), split(key), split(value), { scale: 1 / Math.sqrt(headDim) });
      const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * tokens, channels]);
      const result: tf.Tensor4D = tf.add(
        x,
        tf.reshape(output.apply(context, merged), [batch, height, width, channels]),
      );
      context.observe?.(name, result);
      return result;
    },
  };
}
