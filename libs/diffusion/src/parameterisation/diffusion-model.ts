import type { Recipe } from '@tributary/protocol/recipe';
import { createProcess } from '../processes/create-process.js';
import { noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import { preconditioning, type Preconditioning } from './prediction.js';
import { rawOutputOf, type RawOutput } from './raw-output.js';

/** How a network, a noise process and a clean-image estimate belong together; what training and sampling share. */
export interface DiffusionModel {
  readonly process: NoiseProcess;
  /** What the raw output stands for. */
  readonly output: RawOutput;
  /** Whether the raw output has a second half that tells the variance of ancestral steps. */
  readonly learnsVariance: boolean;
  /** Factors that turn the raw output into a clean-image estimate. */
  readonly preconditioning: (level: NoiseLevel) => Preconditioning;
  /** Weight that turns the squared error of the raw output into that of what the recipe says is predicted. */
  readonly predictionWeight: (level: NoiseLevel) => number;
  /** The number that tells the network how much noise there is. */
  readonly conditioning: (level: NoiseLevel) => number;
}

/** The model that a recipe describes. */
export function createDiffusionModel(
  recipe: Pick<Recipe, 'process' | 'objective' | 'network' | 'image'>,
): DiffusionModel {
  const output = rawOutputOf(recipe);
  const sigmaData = 'sigmaData' in recipe.process ? recipe.process.sigmaData : 1;
  const factors = (level: NoiseLevel): Preconditioning => preconditioning(output, level, sigmaData);
  return {
    process: createProcess(recipe),
    output,
    learnsVariance: recipe.objective.variance === 'learned',
    preconditioning: factors,
    // Noise and scores alone have another raw output than themselves, and an error of the clean-image estimate is alpha / sigma
    // times as large an error of the noise, and of sigma·s.
    predictionWeight: (level) =>
      output === recipe.objective.prediction ? 1 : (factors(level).output / noiseRatio(level)) ** 2,
    conditioning: noiseConditioning(recipe),
  };
}

/** Times of SDEs on [0, 1] are stretched to the range that positional embeddings are made for (Song et al. 2021). */
const SDE_TIME_SCALE = 999;

function noiseConditioning({ process, network }: Pick<Recipe, 'process' | 'network'>): DiffusionModel['conditioning'] {
  switch (process.kind) {
    case 'ddpm':
      return ({ time }) => time;
    case 'vp':
    case 'sub-vp':
      return ({ time }) => SDE_TIME_SCALE * time;
    case 'ncsn':
      if (!process.noiseConditional) return () => 0;
      break;
    case 'edm':
    case 've':
      break;
  }
  // The Fourier embedding takes the logarithm itself. Else cNoise = ln(sigma) / 4, Karras et al. 2022, table 1.
  if (network.timeEmbedding === 'fourier') return noiseRatio;
  return (level) => Math.log(noiseRatio(level)) / 4;
}
