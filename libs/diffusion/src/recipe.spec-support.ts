import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';

const SMALL: RecipeInput = {
  name: 'small',
  seed: 11,
  image: { sizePx: 8, channels: 1 },
  classes: ['left', 'right'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false, dropout: 0.1 },
  network: { kind: 'unet2d', blockOutChannels: [8, 16], attention: [false, true], attentionHeadDim: 8, normGroups: 4 },
  process: { kind: 'edm', sigmaData: 0.5 },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 4e-3, schedule: 'constant' },
  rounds: { count: 10, localSteps: 10, batchSize: 4, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'heun', steps: 8 },
};

/** A recipe that trains in milliseconds, with the given top-level fields replaced. */
export function smallRecipe(changes: Partial<RecipeInput> = {}): Recipe {
  return recipeSchema.parse({ ...SMALL, ...changes });
}

/** Fields of a recipe for discrete diffusion with noise prediction. */
export const DDPM_FIELDS: Partial<RecipeInput> = {
  process: { kind: 'ddpm', timesteps: 100 },
  objective: { prediction: 'epsilon' },
  evaluation: { sampler: 'ddim', steps: 10 },
};

/** Rows of the class embedding of `smallRecipe`: two classes and "no condition". */
export const SMALL_CLASS_ROWS = 3;
