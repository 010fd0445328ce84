import { upsampleNearest2d } from '@tributary/tensor';
import { convolution } from './layers.js';
import { residualBlock, type ConditionedBlock } from './residual-block.js';
import type { UNetConfig } from './unet-config.js';

interface ResamplingOptions {
  readonly channels: number;
  readonly embeddingWidth: number;
}

/** Halves the resolution: a convolution of stride 2, or a residual block around average pooling. */
export function downsampler(name: string, options: ResamplingOptions, config: UNetConfig): ConditionedBlock {
  const { channels, embeddingWidth } = options;
  if (config.resample === 'resnet') {
    return residualBlock(
      name,
      { inChannels: channels, outChannels: channels, embeddingWidth, resample: 'down' },
      config,
    );
  }
  return convolution(`${name}.conv`, { inChannels: channels, outChannels: channels, kernel: 3, stride: 2 });
}

/** Doubles the resolution: nearest neighbours and a convolution, or a residual block around nearest neighbours. */
export function upsampler(name: string, options: ResamplingOptions, config: UNetConfig): ConditionedBlock {
  const { channels, embeddingWidth } = options;
  if (config.resample === 'resnet') {
    return residualBlock(name, { inChannels: channels, outChannels: channels, embeddingWidth, resample: 'up' }, config);
  }
  const conv = convolution(`${name}.conv`, { inChannels: channels, outChannels: channels, kernel: 3 });
  return { parameters: conv.parameters, apply: (context, x) => conv.apply(context, upsampleNearest2d(x, 2)) };
}
