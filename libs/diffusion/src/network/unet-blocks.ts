import * as tf from '@tensorflow/tfjs-core';
import { attentionBlock } from './attention-block.js';
import type { Layer } from './layers.js';
import type { ForwardContext, Parameter } from './parameter.js';
import { downsampler, upsampler } from './resampling.js';
import { residualBlock, type ConditionedBlock } from './residual-block.js';
import type { UNetConfig } from './unet-config.js';

export interface LevelOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly embeddingWidth: number;
  readonly attention: boolean;
  /** Whether the resolution changes at the end of the block. */
  readonly resampled: boolean;
}

/** Goes down one level; every intermediate image is kept for the way up. */
export interface DownBlock {
  readonly parameters: readonly Parameter[];
  readonly apply: (context: ForwardContext, x: tf.Tensor4D, embedding: tf.Tensor2D) => tf.Tensor4D[];
}

/** Goes up one level and takes back its images, last one first. */
export interface UpBlock {
  readonly parameters: readonly Parameter[];
  readonly apply: (context: ForwardContext, input: UpInput, embedding: tf.Tensor2D) => tf.Tensor4D;
}

export interface UpInput {
  readonly x: tf.Tensor4D;
  /** Images of the way down, the last one on top; the block takes its own from the end. */
  readonly skips: tf.Tensor4D[];
}

/** `DownBlock2D`, `AttnDownBlock2D`, `ResnetDownsampleBlock2D`. */
export function downBlock(name: string, options: LevelOptions, config: UNetConfig): DownBlock {
  const { inChannels, outChannels, embeddingWidth } = options;
  const stages = Array.from({ length: config.layersPerBlock }, (_, i) =>
    stage(name, { ...options, index: i, inChannels: i === 0 ? inChannels : outChannels }, config),
  );
  const down = options.resampled
    ? downsampler(`${name}.downsamplers.0`, { channels: outChannels, embeddingWidth }, config)
    : undefined;
  return {
    parameters: [...stages, ...(down ? [down] : [])].flatMap(({ parameters }) => parameters),
    apply: (context, x, embedding) => {
      const outputs: tf.Tensor4D[] = [];
      let hidden = x;
      for (const part of [...stages, ...(down ? [down] : [])]) {
        hidden = part.apply(context, hidden, embedding);
        outputs.push(hidden);
      }
      context.observe?.(name, hidden);
      return outputs;
    },
  };
}

export interface UpLevelOptions extends LevelOptions {
  /** Channels that arrive from the level below. */
  readonly previousChannels: number;
}

/** `UpBlock2D`, `AttnUpBlock2D`, `ResnetUpsampleBlock2D`: one stage more than on the way down. */
export function upBlock(name: string, options: UpLevelOptions, config: UNetConfig): UpBlock {
  const { inChannels, outChannels, previousChannels, embeddingWidth } = options;
  const stages = Array.from({ length: config.layersPerBlock + 1 }, (_, i) => {
    const arriving = i === 0 ? previousChannels : outChannels;
    const skipped = i === config.layersPerBlock ? inChannels : outChannels;
    return stage(name, { ...options, index: i, inChannels: arriving + skipped }, config);
  });
  const up = options.resampled
    ? upsampler(`${name}.upsamplers.0`, { channels: outChannels, embeddingWidth }, config)
    : undefined;
  return {
    parameters: [...stages, ...(up ? [up] : [])].flatMap(({ parameters }) => parameters),
    apply: (context, { x, skips }, embedding) => {
      let hidden = x;
      for (const part of stages) {
        const skip = skips.pop();
        if (!skip) throw new RangeError(`${name} has no image left from the way down`);
        hidden = part.apply(context, tf.concat([hidden, skip], 3), embedding);
      }
      const result = up ? up.apply(context, hidden, embedding) : hidden;
      context.observe?.(name, result);
      return result;
    },
  };
}

/** `UNetMidBlock2D`: residual block, attention, residual block. */
export function middleBlock(channels: number, embeddingWidth: number, config: UNetConfig): ConditionedBlock {
  const options = { inChannels: channels, outChannels: channels, embeddingWidth };
  const before = residualBlock('mid_block.resnets.0', options, config);
  const attend = attentionBlock('mid_block.attentions.0', { channels, normalised: !config.timeScaleShift }, config);
  const after = residualBlock('mid_block.resnets.1', options, config);
  return {
    parameters: [before, attend, after].flatMap(({ parameters }) => parameters),
    apply: (context, x, embedding) => {
      const mixed = attend.apply(context, before.apply(context, x, embedding));
      const result = after.apply(context, mixed, embedding);
      context.observe?.('mid_block', result);
      return result;
    },
  };
}

interface StageOptions extends LevelOptions {
  readonly index: number;
}

/** A residual block and, where the level has it, attention. */
function stage(name: string, options: StageOptions, config: UNetConfig): ConditionedBlock {
  const { index, inChannels, outChannels, embeddingWidth } = options;
  const residual = residualBlock(`${name}.resnets.${index}`, { inChannels, outChannels, embeddingWidth }, config);
  const attend: Layer<tf.Tensor4D> | undefined = options.attention
    ? attentionBlock(`${name}.attentions.${index}`, { channels: outChannels, normalised: true }, config)
    : undefined;
  return {
    parameters: [...residual.parameters, ...(attend?.parameters ?? [])],
    apply: (context, x, embedding) => {
      const hidden = residual.apply(context, x, embedding);
      return attend ? attend.apply(context, hidden) : hidden;
    },
  };
}
