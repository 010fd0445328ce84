export { chooseEngine, openEngine, type EngineOptions } from './engines/open-engine.js';
export { openChoice, type EngineChoice, type EngineExtras } from './engines/open-choice.js';
export { probeEngines, type EngineProbe } from './engines/probe-engines.js';
export { registerGradients } from './gradients/register-gradients.js';
export { scale, shift } from './layers/affine.js';
export { attention } from './layers/attention.js';
export {
  batchNorm,
  batchNormTraining,
  type BatchNormOptions,
  type BatchNormParameters,
  type BatchNormTraining,
} from './layers/batch-norm.js';
export {
  conv2d,
  conv3d,
  convTranspose2d,
  convTranspose3d,
  type ConvolutionOptions,
  type TransposedConvolutionOptions,
} from './layers/convolution.js';
export { embedding } from './layers/embedding.js';
export { fft2d, fftShift, ifft2d, type ComplexImage, type FourierOptions } from './layers/fourier.js';
export { groupNorm, type GroupNormOptions } from './layers/group-norm.js';
export { layerNorm } from './layers/layer-norm.js';
export { linear } from './layers/linear.js';
export { avgPool2d, avgPool3d, maxPool2d, upsampleNearest2d, upsampleNearest3d } from './layers/resampling.js';
export { silu } from './layers/silu.js';
export { stopGradient } from './layers/stop-gradient.js';
export { upsampledConv2d } from './layers/upsampled-convolution.js';
export {
  ADAMW_SCALARS,
  adamWScalars,
  adamWStep,
  type AdamWSchedule,
  type AdamWSettings,
  type AdamWState,
  type AdamWUpdate,
} from './parameters/adamw.js';
export { FIRST_LOSS_SCALE, nextLossScale, type LossScale } from './parameters/loss-scale.js';
export {
  parameterCount,
  unflatten,
  valueAndGradient,
  type ParameterSpec,
  type ValueAndGradient,
} from './parameters/flat-parameters.js';
export { clippedGradient, type ClippedGradient, type ClippingOptions } from './per-example/clipped-gradient.js';
export { dropoutMask, randomNormal, randomUniform, type RandomPosition } from './random/recorded-random.js';
export { randomPosition, randomStream, type RandomStream } from './random/random-stream.js';
export { RecordingError } from './recorder/recording-error.js';
export type {
  Arrays,
  CompileOptions,
  DType,
  Engine,
  EngineName,
  Precision,
  Program,
  Signature,
  StepFunction,
  Tensors,
  TensorSpec,
} from './program.js';
