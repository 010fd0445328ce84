import { type ParameterSpec, silu } from '@tributary/layers';
import * as tf from '@tensorflow/tfjs-core';
import { applyAttention } from './attention-block.js';
import { embedConditions, type Conditions } from './condition-embedding.js';
import {
  applyConvolution,
  applyEnlargingConvolution,
  applyNorm,
  type BlockContext,
  type ForwardContext,
} from './forward-pass.js';
import { asImages, type Images } from './images.js';
import { dropoutSites, type DropoutSite } from './dropout.js';
import { initialWeights, sizeOf } from './parameter.js';
import { applyResidual } from './residual-block.js';
import type { UNetConfig } from './unet-config.js';
import { unetParameters } from './unet-parameters.js';
import { unetStructure, type LevelShape, type StageShape } from './unet-structure.js';

/** A network as data: what its parameters are, how they start, and the pass that reads them. */
export interface Network {
  /** Sorted by name, the order of the flat weights everywhere. */
  readonly manifest: readonly ParameterSpec[];
  readonly parameterCount: number;
  /** First weights in manifest order. */
  readonly initial: (seed: number) => Float32Array;
  /** Where training drops; nowhere with a dropout rate of 0. */
  readonly dropoutSites: readonly DropoutSite[];
  /** Raw output for images [batch, height, width, channels] or volumes [batch, depth, height, width, channels]. */
  readonly forward: (context: ForwardContext, x: Images, conditions: Conditions) => Images;
}

/** The U-Net of diffusers' `UNet2DModel`: same parameters, same values. With a depth, the same blocks in three dimensions. */
export function createUNet(config: UNetConfig): Network {
  const structure = unetStructure(config);
  const parameters = unetParameters(structure);
  return {
    manifest: parameters.map(({ name, shape }) => ({ name, shape })),
    parameterCount: parameters.reduce((total, { shape }) => total + sizeOf(shape), 0),
    initial: (seed) => initialWeights(parameters, seed),
    dropoutSites: config.dropout > 0 ? dropoutSites(structure) : [],
    forward: (given, x, conditions) => {
      const context = { ...given, config, embedding: embedConditions(given, structure, conditions) };
      const input = conditions.image ? asImages(tf.concat([x, conditions.image], x.rank - 1)) : x;
      const skips = [applyConvolution(context, structure.convIn, input)];
      given.observe?.('conv_in', topOf(skips));
      for (const level of structure.down) applyDownLevel(context, level, skips);

      const { before, attention, after } = structure.middle;
      let hidden = applyAttention(context, attention, applyResidual(context, before, topOf(skips)));
      hidden = applyResidual(context, after, hidden);
      given.observe?.('mid_block', hidden);

      for (const level of structure.up) hidden = applyUpLevel(context, level, { hidden, skips });
      const normalised = applyNorm(context, structure.normOut, hidden);
      given.observe?.('conv_norm_out', normalised);
      return applyConvolution(context, structure.convOut, silu(normalised));
    },
  };
}

/** `DownBlock2D` and its kin: every intermediate image is put on top of `skips`. */
function applyDownLevel(context: BlockContext, { name, stages, resampler }: LevelShape, skips: Images[]): void {
  for (const stage of stages) skips.push(applyStage(context, stage, topOf(skips)));
  if (resampler) {
    const smaller =
      'conv1' in resampler
        ? applyResidual(context, resampler, topOf(skips))
        : applyConvolution(context, resampler, topOf(skips));
    skips.push(smaller);
  }
  context.observe?.(name, topOf(skips));
}

interface UpInput {
  readonly hidden: Images;
  readonly skips: Images[];
}

/** `UpBlock2D` and its kin: every stage takes the topmost image of the way down. */
function applyUpLevel(context: BlockContext, { name, stages, resampler }: LevelShape, input: UpInput): Images {
  let { hidden } = input;
  for (const stage of stages) {
    hidden = applyStage(context, stage, asImages(tf.concat([hidden, topOf(input.skips)], hidden.rank - 1)));
    input.skips.pop();
  }
  if (resampler) {
    hidden =
      'conv1' in resampler
        ? applyResidual(context, resampler, hidden)
        : applyEnlargingConvolution(context, resampler, hidden);
  }
  context.observe?.(name, hidden);
  return hidden;
}

function applyStage(context: BlockContext, { residual, attention }: StageShape, x: Images): Images {
  const hidden = applyResidual(context, residual, x);
  return attention ? applyAttention(context, attention, hidden) : hidden;
}

function topOf(skips: readonly Images[]): Images {
  const top = skips.at(-1);
  if (!top) throw new RangeError('no image is left from the way down');
  return top;
}
