import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol';

/** A small valid recipe for tests: 16 pixels, two classes, a network of some ten thousand parameters. */
export function exampleRecipe(changes: Partial<RecipeInput> = {}): Recipe {
  return recipeSchema.parse({
    name: 'example',
    seed: 7,
    image: { sizePx: 16, channels: 1 },
    classes: ['healthy', 'lesion'],
    data: { intensity: { method: 'percentile' }, heldOutFraction: 0.25 },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8], attention: [false], normGroups: 4 },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 2e-3 },
    rounds: { count: 3, localSteps: 6, batchSize: 4, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8, scarceClasses: ['lesion'] },
    ...changes,
  } satisfies RecipeInput);
}
