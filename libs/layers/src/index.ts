export { scale, shift } from './affine.js';
export { attention } from './attention.js';
export {
  batchNorm,
  type BatchNormOptions,
  type BatchNormParameters,
  batchNormTraining,
  type BatchNormTraining,
} from './batch-norm.js';
export {
  conv2d,
  conv3d,
  type ConvolutionOptions,
  convTranspose2d,
  convTranspose3d,
  type TransposedConvolutionOptions,
} from './convolution.js';
export { embedding } from './embedding.js';
export { type ComplexImage, fft2d, fftShift, type FourierOptions, ifft2d } from './fourier.js';
export { groupNorm, type GroupNormOptions } from './group-norm.js';
export { layerNorm } from './layer-norm.js';
export { linear } from './linear.js';
export {
  ADAMW_SCALARS,
  adamWScalars,
  type AdamWSchedule,
  type AdamWSettings,
  type AdamWState,
  adamWStep,
  type AdamWUpdate,
} from './parameters/adamw.js';
export {
  parameterCount,
  type ParameterSpec,
  unflatten,
  valueAndGradient,
  type ValueAndGradient,
} from './parameters/flat-parameters.js';
export { FIRST_LOSS_SCALE, type LossScale, nextLossScale } from './parameters/loss-scale.js';
export { clippedGradient, type ClippedGradient, type ClippingOptions } from './per-example/clipped-gradient.js';
export { dropoutMask, randomNormal, type RandomPosition, randomUniform } from './recorded-random.js';
export { avgPool2d, avgPool3d, maxPool2d, upsampleNearest2d, upsampleNearest3d } from './resampling.js';
export { silu } from './silu.js';
export { stopGradient } from './stop-gradient.js';
export { upsampledConv2d } from './upsampled-convolution.js';
