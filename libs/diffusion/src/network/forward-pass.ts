import { conv2d, conv3d, groupNorm, linear, upsampledConv2d } from '@tributary/layers';
import type { Tensors } from '@tributary/tensor';
import { Rank, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { enlarged, isVolumes, padded, type Images } from './images.js';
import { tensorOf } from './tensor-of.js';
import type { UNetConfig } from './unet-config.js';
import type { ConvolutionShape, LinearShape, NormShape } from './unet-structure.js';

/** What a forward pass reads besides its inputs. */
export interface ForwardContext {
  readonly parameters: Tensors;
  /** One mask a residual block, by the block's name: 0 or 1 / (1 - rate). Without them nothing is dropped. */
  readonly dropoutMasks?: Tensors;
  /** Sees the output of every named block; for comparing with other implementations. */
  readonly observe?: (name: string, value: Tensor) => void;
}

/** The context inside the network, after noise level and class are embedded. */
export interface BlockContext extends ForwardContext {
  readonly config: UNetConfig;
  /** [batch, width] */
  readonly embedding: Tensor2D;
}

/** Convolution with bias. */
export function applyConvolution({ parameters }: ForwardContext, shape: ConvolutionShape, x: Images): Images {
  const { name, stride } = shape;
  const [before, after] = shape.padding;
  const bias = tensorOf(parameters, `${name}.bias`, Rank.R1);
  const isEven = before === after;
  const options = { stride, padding: isEven ? before : 0 };
  const images = isEven ? x : padded(x, before, after);
  return isVolumes(images)
    ? conv3d(images, tensorOf(parameters, `${name}.weight`, Rank.R5), bias, options)
    : conv2d(images, tensorOf(parameters, `${name}.weight`, Rank.R4), bias, options);
}

/** `applyConvolution` to an image whose pixels, or voxels, are all there twice in each direction. */
export function applyEnlargingConvolution(context: ForwardContext, shape: ConvolutionShape, x: Images): Images {
  if (isVolumes(x)) return applyConvolution(context, shape, enlarged(x));
  const { parameters } = context;
  const weight = tensorOf(parameters, `${shape.name}.weight`, Rank.R4);
  return upsampledConv2d(x, weight, tensorOf(parameters, `${shape.name}.bias`, Rank.R1));
}

/** Fully connected layer on the last dimension. */
export function applyLinear({ parameters }: ForwardContext, { name }: LinearShape, x: Tensor): Tensor {
  return linear(x, tensorOf(parameters, `${name}.weight`, Rank.R2), tensorOf(parameters, `${name}.bias`, Rank.R1));
}

/** Group normalisation, Wu & He 2018, with a scale and a shift a channel. */
export function applyNorm({ parameters, config }: BlockContext, { name }: NormShape, x: Images): Images {
  const scale = tensorOf(parameters, `${name}.weight`, Rank.R1);
  const shift = tensorOf(parameters, `${name}.bias`, Rank.R1);
  return groupNorm(x, scale, shift, { groups: config.normGroups, epsilon: config.normEpsilon });
}
