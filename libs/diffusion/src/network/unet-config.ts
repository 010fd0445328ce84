import { conditionChannels } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';

/** Structure of a network that diffusers' `UNet2DModel` can hold, or of its three-dimensional sibling. */
export interface UNetConfig {
  readonly imageSize: number;
  /** Slices of a volume; left out for images. All blocks then have three spatial dimensions. */
  readonly depth?: number;
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
  /** Zeros around the image before a strided convolution: 1 on every side, or 0: one row below and one column on the right. */
  readonly downsamplePadding: 0 | 1;
  readonly timeScaleShift: boolean;
  /** Rows of the class embedding; 0: unconditional. */
  readonly classRows: number;
  /** Order of the positional embedding: cosines first when true. */
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
}

/** What of a recipe decides how its network is built. */
export type NetworkRecipe = Pick<Recipe, 'image' | 'conditioning' | 'network' | 'objective'>;

/**
 * The structure that a recipe describes, with diffusers' defaults for what a recipe does not choose.
 *
 * @param classRows Every row of the class embedding, the one for "no condition" included; 0: unconditional.
 */
export function unetConfig({ image, conditioning, network, objective }: NetworkRecipe, classRows: number): UNetConfig {
  return {
    imageSize: image.sizePx,
    ...(image.depthPx !== undefined && { depth: image.depthPx }),
    inChannels: image.channels + conditionChannels({ image, conditioning }),
    outChannels: objective.variance === 'learned' ? 2 * image.channels : image.channels,
    blockOutChannels: network.blockOutChannels,
    layersPerBlock: network.layersPerBlock,
    attention: network.attention,
    attentionHeadDim: network.attentionHeadDim,
    normGroups: network.normGroups,
    normEpsilon: network.normEpsilon,
    dropout: network.dropout,
    timeEmbedding: network.timeEmbedding,
    resample: network.resample,
    downsamplePadding: network.downsamplePadding,
    timeScaleShift: network.timeScaleShift,
    classRows,
    flipSinToCos: network.flipSinToCos,
    frequencyShift: network.frequencyShift,
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

/** Sizes of the images of a level: [height, width], or [depth, height, width] for volumes. */
export function spatialSize({ imageSize, depth }: UNetConfig, level: number): number[] {
  const sides = depth === undefined ? [imageSize, imageSize] : [depth, imageSize, imageSize];
  return sides.map((side) => side / 2 ** level);
}
