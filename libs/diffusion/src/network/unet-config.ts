import type { Recipe } from '@tributary/protocol/recipe';

/** Structure of a network that diffusers' `UNet2DModel` can hold. */
export interface UNetConfig {
  readonly imageSize: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of each level, finest first. */
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  /** Self-attention after every residual block of a level. */
  readonly attention: readonly boolean[];
  /** Channels of one attention head; null: one head. */
  readonly attentionHeadDim: number | null;
  readonly normGroups: number;
  readonly normEpsilon: number;
  readonly dropout: number;
  readonly timeEmbedding: 'positional' | 'fourier';
  readonly resample: 'conv' | 'resnet';
  readonly timeScaleShift: boolean;
  /** Rows of the class embedding; 0: unconditional. */
  readonly classRows: number;
  /** Order of the positional embedding: cosines first when true. */
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
}

export interface NetworkShape {
  readonly imageSize: number;
  readonly channels: number;
  readonly classRows: number;
}

/** The structure that a recipe's `network` describes, with diffusers' defaults for what a recipe does not choose. */
export function unetConfig(network: Recipe['network'], { imageSize, channels, classRows }: NetworkShape): UNetConfig {
  return {
    imageSize,
    inChannels: channels,
    outChannels: channels,
    blockOutChannels: network.blockOutChannels,
    layersPerBlock: network.layersPerBlock,
    attention: network.attention,
    attentionHeadDim: network.attentionHeadDim,
    normGroups: network.normGroups,
    normEpsilon: network.normEpsilon,
    dropout: network.dropout,
    timeEmbedding: network.timeEmbedding,
    resample: network.resample,
    timeScaleShift: network.timeScaleShift,
    classRows,
    flipSinToCos: true,
    frequencyShift: 0,
  };
}

/**
 * Channels of each level.
 *
 * @throws RangeError when the configuration has no level.
 */
export function levelChannels(config: UNetConfig): { first: number; last: number } {
  const first = config.blockOutChannels[0];
  const last = config.blockOutChannels.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a U-Net needs at least one level');
  return { first, last };
}
