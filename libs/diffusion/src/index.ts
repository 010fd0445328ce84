export { buildNetwork } from './network/build-network.js';
export type { Network } from './network/unet.js';
export { createSampler } from './sampling/generator.js';
export type { ImageEdit } from './sampling/image-edit.js';
export type { GradientGuide, Steering } from './sampling/steered-sampler.js';
export type { GenerateOptions } from './sampling/generate-options.js';
export type { Generator, SamplerOptions } from './sampling/generator.js';
export type { SamplingProgress } from './sampling/sampling-progress.js';
export { SAMPLER_NAMES, type SamplerName } from '@tributary/protocol/samplers';
export { lowResolution } from './conditioning/image-condition.js';
export { blockMeanProjection, type Projection } from './conditioning/data-consistency.js';
export type { LogLikelihoodGradient } from './conditioning/gradient-guidance.js';
export { createTrainer } from './training/trainer.js';
export type { OptimiserState, StrategyState, Trainer, TrainerOptions, TrainingStep } from './training/trainer.js';
export { exportDiffusers, DIFFUSERS_FILES, type DiffusersExport } from './exchange/export-diffusers.js';
export { exportOnnxDenoiser, type OnnxExport } from './exchange/export-onnx.js';
export { importDiffusers, type DiffusersImport } from './exchange/import-diffusers.js';
export { dequantisedImage } from './likelihood/dequantised-image.js';
export {
  assertHasLikelihood,
  createLikelihoodEstimator,
  type LikelihoodEstimator,
  type LikelihoodEstimatorOptions,
  type LikelihoodProgress,
  type LikelihoodRequest,
} from './likelihood/network-likelihood.js';
