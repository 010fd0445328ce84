import { silu, type ParameterSpec } from '@tributary/tensor';
import type * as tf from '@tensorflow/tfjs-core';
import { convolution, normalisation } from './layers.js';
import { initialWeights, type ForwardContext, type Parameter } from './parameter.js';
import { conditionEmbedding, type Conditions } from './time-embedding.js';
import { downBlock, middleBlock, upBlock, type DownBlock, type UpBlock } from './unet-blocks.js';
import { levelChannels, type UNetConfig } from './unet-config.js';

/** A network as data: what its parameters are, how they start, and the pass that reads them. */
export interface Network {
  /** Sorted by name, the order of the flat weights everywhere. */
  readonly manifest: readonly ParameterSpec[];
  readonly parameterCount: number;
  /** First weights in manifest order. */
  readonly initial: (seed: number) => Float32Array;
  /** Raw output for images [batch, height, width, channels]. */
  readonly forward: (context: ForwardContext, x: tf.Tensor4D, conditions: Conditions) => tf.Tensor4D;
}

/** The U-Net of diffusers' `UNet2DModel` (Ho et al. 2020; Dhariwal & Nichol 2021): same names, shapes and values. */
export function createUNet2d(config: UNetConfig): Network {
  const { first, last } = levelChannels(config);
  const embedding = conditionEmbedding(config);
  const convIn = convolution('conv_in', { inChannels: config.inChannels, outChannels: first, kernel: 3 });
  const down = downBlocks(config, embedding.width);
  const middle = middleBlock(last, embedding.width, config);
  const up = upBlocks(config, embedding.width);
  const norm = normalisation('conv_norm_out', {
    channels: first,
    groups: config.normGroups,
    epsilon: config.normEpsilon,
  });
  const convOut = convolution('conv_out', { inChannels: first, outChannels: config.outChannels, kernel: 3 });

  const forward: Network['forward'] = (context, x, conditions) => {
    const condition = embedding.apply(context, conditions);
    let hidden = convIn.apply(context, x);
    context.observe?.('conv_in', hidden);
    const skips = [hidden];
    for (const block of down) {
      const outputs = block.apply(context, hidden, condition);
      skips.push(...outputs);
      hidden = outputs.at(-1) ?? hidden;
    }
    hidden = middle.apply(context, hidden, condition);
    for (const block of up) hidden = block.apply(context, { x: hidden, skips }, condition);
    const normalised = norm.apply(context, hidden);
    context.observe?.('conv_norm_out', normalised);
    return convOut.apply(context, silu(normalised));
  };
  return createNetwork([embedding, convIn, ...down, middle, ...up, norm, convOut], forward);
}

function createNetwork(
  parts: readonly { readonly parameters: readonly Parameter[] }[],
  forward: Network['forward'],
): Network {
  const parameters = parts.flatMap((part) => part.parameters).sort((a, b) => (a.name < b.name ? -1 : 1));
  const manifest = parameters.map(({ name, shape }) => ({ name, shape }));
  const initial = (seed: number): Float32Array => initialWeights(parameters, seed);
  const parameterCount = manifest.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
  return { manifest, parameterCount, initial, forward };
}

function downBlocks(config: UNetConfig, embeddingWidth: number): DownBlock[] {
  const channels = config.blockOutChannels;
  return channels.map((outChannels, level) =>
    downBlock(
      `down_blocks.${level}`,
      {
        inChannels: channels[Math.max(0, level - 1)] ?? outChannels,
        outChannels,
        embeddingWidth,
        attention: config.attention[level] ?? false,
        resampled: level < channels.length - 1,
      },
      config,
    ),
  );
}

function upBlocks(config: UNetConfig, embeddingWidth: number): UpBlock[] {
  const channels = config.blockOutChannels.toReversed();
  const attention = config.attention.toReversed();
  return channels.map((outChannels, level) =>
    upBlock(
      `up_blocks.${level}`,
      {
        inChannels: channels[Math.min(level + 1, channels.length - 1)] ?? outChannels,
        previousChannels: channels[Math.max(0, level - 1)] ?? outChannels,
        outChannels,
        embeddingWidth,
        attention: attention[level] ?? false,
        resampled: level < channels.length - 1,
      },
      config,
    ),
  );
}
