import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol';

export const CLASSES = ['base', 'base-lesion', 'vertex', 'vertex-lesion'];

/** A recipe of a network so small that rounds take milliseconds. */
export function buildRecipe(rounds: Partial<RecipeInput['rounds']> = {}): Recipe {
  return recipeSchema.parse({
    name: 'tiny',
    seed: 7,
    image: { sizePx: 16, channels: 1 },
    classes: CLASSES,
    data: { intensity: { method: 'percentile' } },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8], layersPerBlock: 1, attention: [false] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 1e-3 },
    rounds: { count: 3, localSteps: 1, batchSize: 2, quorum: 2, deadlineSeconds: 60, ...rounds },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8, scarceClasses: ['base-lesion', 'vertex-lesion'] },
  } satisfies RecipeInput);
}
