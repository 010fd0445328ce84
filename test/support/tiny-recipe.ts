import { PHANTOM_CLASSES } from '@tributary/imaging';
import type { RecipeInput } from '@tributary/protocol';

/** A run small enough for tests: a few thousand parameters, rounds of some tenths of a second. */
export function tinyRecipe(change: { rounds?: Partial<RecipeInput['rounds']>; seed?: number } = {}): RecipeInput {
  return {
    name: 'tiny',
    seed: change.seed ?? 3,
    image: { sizePx: 16, channels: 1 },
    classes: [...PHANTOM_CLASSES],
    data: { intensity: { method: 'percentile' }, heldOutFraction: 0.25 },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8, 16], attention: [false, false] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 2e-3 },
    rounds: { count: 6, localSteps: 12, batchSize: 8, quorum: 3, deadlineSeconds: 120, ...change.rounds },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 16, utilitySeeds: 1 },
  };
}
