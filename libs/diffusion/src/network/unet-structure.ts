import { levelChannels, type UNetConfig } from './unet-config.js';

/** Plain data that says what a network consists of; parameters and forward pass are both derived from it. */
export interface UNetStructure {
  readonly config: UNetConfig;
  readonly embedding: EmbeddingShape;
  readonly convIn: ConvolutionShape;
  readonly down: readonly LevelShape[];
  readonly middle: MiddleShape;
  readonly up: readonly LevelShape[];
  readonly normOut: NormShape;
  readonly convOut: ConvolutionShape;
}

export interface ConvolutionShape {
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  /** Zeros before the first and after the last pixel of each direction. */
  readonly padding: readonly [before: number, after: number];
  /** 2 for images, 3 for volumes. */
  readonly dimensions: 2 | 3;
}

export interface LinearShape {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export interface NormShape {
  readonly name: string;
  readonly channels: number;
}

/** Noise level and class become a vector of `width` numbers. */
export interface EmbeddingShape {
  readonly width: number;
  readonly sinusoids: number;
  readonly hidden: LinearShape;
  readonly output: LinearShape;
}

/** `ResnetBlock2D`. */
export interface ResidualShape {
  readonly name: string;
  readonly norm1: NormShape;
  readonly conv1: ConvolutionShape;
  readonly projection: LinearShape;
  readonly norm2: NormShape;
  readonly conv2: ConvolutionShape;
  readonly shortcut?: ConvolutionShape;
  /** Change of resolution inside the block. */
  readonly resample?: 'up' | 'down';
}

/** `Attention` over all pixels or voxels. */
export interface AttentionShape {
  readonly name: string;
  readonly channels: number;
  readonly norm?: NormShape;
  readonly query: LinearShape;
  readonly key: LinearShape;
  readonly value: LinearShape;
  readonly output: LinearShape;
}

export interface StageShape {
  readonly residual: ResidualShape;
  readonly attention?: AttentionShape;
}

/** One resolution on the way down or up; the resolution changes after the last stage. */
export interface LevelShape {
  readonly name: string;
  readonly stages: readonly StageShape[];
  readonly resampler?: ConvolutionShape | ResidualShape;
}

/** `UNetMidBlock2D`. */
export interface MiddleShape {
  readonly before: ResidualShape;
  readonly attention: AttentionShape;
  readonly after: ResidualShape;
}

/** The structure of diffusers' `UNet2DModel`: Ho et al. 2020, appendix B; Dhariwal & Nichol 2021. */
export function unetStructure(config: UNetConfig): UNetStructure {
  const { first, last } = levelChannels(config);
  const width = 4 * first;
  const sinusoids = config.timeEmbedding === 'fourier' ? 2 * first : first;
  return {
    config,
    embedding: {
      width,
      sinusoids: first,
      hidden: { name: 'time_embedding.linear_1', inFeatures: sinusoids, outFeatures: width },
      output: { name: 'time_embedding.linear_2', inFeatures: width, outFeatures: width },
    },
    convIn: convolution({ name: 'conv_in', inChannels: config.inChannels, outChannels: first }, config),
    down: downLevels(config),
    middle: {
      before: residual({ name: 'mid_block.resnets.0', inChannels: last, outChannels: last }, config),
      // diffusers gives the middle attention of scale-shift networks no normalisation.
      attention: attention('mid_block.attentions.0', last, !config.timeScaleShift),
      after: residual({ name: 'mid_block.resnets.1', inChannels: last, outChannels: last }, config),
    },
    up: upLevels(config),
    normOut: { name: 'conv_norm_out', channels: first },
    convOut: convolution({ name: 'conv_out', inChannels: first, outChannels: config.outChannels }, config),
  };
}

function downLevels(config: UNetConfig): LevelShape[] {
  const channels = config.blockOutChannels;
  return channels.map((outChannels, level) => {
    const name = `down_blocks.${level}`;
    const arriving = channels[level - 1] ?? outChannels;
    const stages = Array.from({ length: config.layersPerBlock }, (_, i) =>
      stage({ name, index: i, inChannels: i === 0 ? arriving : outChannels, outChannels, level }, config),
    );
    if (level === channels.length - 1) return { name, stages };
    return { name, stages, resampler: resampler(`${name}.downsamplers.0`, outChannels, { direction: 'down', config }) };
  });
}

/** One stage more than on the way down: every stage also reads one image of the way down. */
function upLevels(config: UNetConfig): LevelShape[] {
  const channels = config.blockOutChannels.toReversed();
  return channels.map((outChannels, position) => {
    const name = `up_blocks.${position}`;
    const level = channels.length - 1 - position;
    const arriving = channels[position - 1] ?? outChannels;
    const shallower = channels[position + 1] ?? outChannels;
    const stages = Array.from({ length: config.layersPerBlock + 1 }, (_, i) => {
      const skipped = i === config.layersPerBlock ? shallower : outChannels;
      return stage(
        { name, index: i, inChannels: (i === 0 ? arriving : outChannels) + skipped, outChannels, level },
        config,
      );
    });
    if (level === 0) return { name, stages };
    return { name, stages, resampler: resampler(`${name}.upsamplers.0`, outChannels, { direction: 'up', config }) };
  });
}

interface StageOptions {
  readonly name: string;
  readonly index: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly level: number;
}

function stage({ name, index, inChannels, outChannels, level }: StageOptions, config: UNetConfig): StageShape {
  const block = residual({ name: `${name}.resnets.${index}`, inChannels, outChannels }, config);
  if (config.attention[level] !== true) return { residual: block };
  return { residual: block, attention: attention(`${name}.attentions.${index}`, outChannels, true) };
}

interface ResidualOptions {
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly resample?: 'up' | 'down';
}

function residual({ name, inChannels, outChannels, resample }: ResidualOptions, config: UNetConfig): ResidualShape {
  const width = 4 * levelChannels(config).first;
  const conditions = config.timeScaleShift ? 2 : 1;
  return {
    name,
    norm1: { name: `${name}.norm1`, channels: inChannels },
    conv1: convolution({ name: `${name}.conv1`, inChannels, outChannels }, config),
    projection: { name: `${name}.time_emb_proj`, inFeatures: width, outFeatures: conditions * outChannels },
    norm2: { name: `${name}.norm2`, channels: outChannels },
    conv2: convolution({ name: `${name}.conv2`, inChannels: outChannels, outChannels }, config),
    ...(inChannels !== outChannels && {
      shortcut: {
        ...convolution({ name: `${name}.conv_shortcut`, inChannels, outChannels }, config),
        kernel: 1 as const,
        padding: [0, 0],
      },
    }),
    ...(resample && { resample }),
  };
}

function attention(name: string, channels: number, normalised: boolean): AttentionShape {
  const linear = (part: string): LinearShape => ({
    name: `${name}.${part}`,
    inFeatures: channels,
    outFeatures: channels,
  });
  return {
    name,
    channels,
    ...(normalised && { norm: { name: `${name}.group_norm`, channels } }),
    query: linear('to_q'),
    key: linear('to_k'),
    value: linear('to_v'),
    output: linear('to_out.0'),
  };
}

interface ResamplerOptions {
  readonly direction: 'up' | 'down';
  readonly config: UNetConfig;
}

/** A convolution (of stride 2 on the way down), or a residual block around pooling or repetition. */
function resampler(
  name: string,
  channels: number,
  { direction, config }: ResamplerOptions,
): ConvolutionShape | ResidualShape {
  if (config.resample === 'resnet') {
    return residual({ name, inChannels: channels, outChannels: channels, resample: direction }, config);
  }
  const shape = convolution({ name: `${name}.conv`, inChannels: channels, outChannels: channels }, config);
  return direction === 'down' ? { ...shape, stride: 2, padding: [config.downsamplePadding, 1] } : shape;
}

function convolution(
  shape: Pick<ConvolutionShape, 'name' | 'inChannels' | 'outChannels'>,
  { depth }: UNetConfig,
): ConvolutionShape {
  return { ...shape, kernel: 3, stride: 1, padding: [1, 1], dimensions: depth === undefined ? 2 : 3 };
}
