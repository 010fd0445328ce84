export { buildNetwork } from './network/build-network.js';
export type { Network } from './network/unet2d.js';
export type { NetworkShape } from './network/unet-config.js';
export { createSampler } from './sampling/generator.js';
export type { GenerateOptions, Generator, SamplerOptions, SamplingProgress } from './sampling/generator.js';
export { SAMPLER_NAMES, type SamplerName } from './sampling/sampling-plan.js';
export { learningRateAt, totalStepsOf } from './training/learning-rate.js';
export { createTrainer } from './training/trainer.js';
export type { OptimiserState, Trainer, TrainerOptions, TrainingStep } from './training/trainer.js';
