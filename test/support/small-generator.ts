import { PHANTOM_CLASSES } from '@tributary/imaging';
import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol';
import { z } from 'zod';

export const GENERATOR_SIZE_PX = 16;

/** What a refusing command prints as JSON. */
export const failureSchema = z.object({ error: z.looseObject({ code: z.string(), message: z.string() }) });

/** A recipe of EDM whose networks are small enough to sample in a second. */
export function generatorRecipe(name: string, changes: Partial<RecipeInput> = {}): Recipe {
  return recipeSchema.parse({
    name,
    seed: 7,
    image: { sizePx: GENERATOR_SIZE_PX, channels: 1 },
    classes: [...PHANTOM_CLASSES],
    data: { intensity: { method: 'percentile' } },
    conditioning: { site: false },
    network: { kind: 'unet2d', blockOutChannels: [8], layersPerBlock: 1, attention: [false], normGroups: 2 },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 1e-3 },
    rounds: { count: 1, localSteps: 1, batchSize: 2, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8, scarceClasses: ['ganglia-lesion'], utilitySeeds: 1 },
    ...changes,
  });
}
