import type { Recipe } from '@tributary/protocol';
import { createProcess } from '../processes/create-process.js';
import { noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import { preconditioning, type PredictionKind, type Preconditioning } from './prediction.js';

/** How a network, a noise process and a clean-image estimate belong together; what training and sampling share. */
export interface DiffusionModel {
  readonly process: NoiseProcess;
  readonly prediction: PredictionKind;
  /** Factors that turn the raw output into a clean-image estimate. */
  readonly preconditioning: (level: NoiseLevel) => Preconditioning;
  /** The number that tells the network how much noise there is. */
  readonly conditioning: (level: NoiseLevel) => number;
}

/** The model that a recipe describes. */
export function createDiffusionModel(recipe: Pick<Recipe, 'process' | 'objective'>): DiffusionModel {
  const process = createProcess(recipe.process);
  const { prediction } = recipe.objective;
  const sigmaData = recipe.process.kind === 'edm' ? recipe.process.sigmaData : 1;
  return {
    process,
    prediction,
    preconditioning: (level) => preconditioning(prediction, level, sigmaData),
    conditioning: CONDITIONING[recipe.process.kind],
  };
}

const CONDITIONING: Readonly<Record<Recipe['process']['kind'], (level: NoiseLevel) => number>> = {
  // cNoise = ln(sigma) / 4, Karras et al. 2022, table 1
  edm: (level) => Math.log(noiseRatio(level)) / 4,
  ddpm: ({ time }) => time,
};
