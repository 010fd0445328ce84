import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { TributaryError } from '@tributary/protocol/errors';
import { fieldProblems } from '@tributary/protocol/problem';
import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';
import type { QualityCase } from './quality-cases.js';
import type { QualityOptions } from './quality-options.js';

/** What of the bench's options is part of its recipes. */
export type QualityRecipeOptions = Pick<
  QualityOptions,
  'channels' | 'seed' | 'imageSize' | 'normGroups' | 'learningRate' | 'trainSteps'
>;

/**
 * The recipe of one training.
 *
 * @throws TributaryError USAGE_INVALID when the options do not fit together.
 */
export function qualityRecipe(
  { name, process, objective }: Pick<QualityCase, 'name' | 'process' | 'objective'>,
  options: QualityRecipeOptions,
): Recipe {
  const parsed = recipeSchema.safeParse({ ...recipeInput(options), name: `quality-${name}`, process, objective });
  if (parsed.success) return parsed.data;
  const faults = fieldProblems(parsed.error).map((problem) => `${problem.path} must be ${problem.expected}`);
  throw new TributaryError('USAGE_INVALID', { detail: `these options make no recipe: ${faults.join('; ')}` });
}

/**
 * What the recipes of all trainings have in common. One class embedding row a (site, class) pair, as in a federated run, though one
 * trainer sees all images.
 */
export function recipeInput(options: QualityRecipeOptions): Omit<RecipeInput, 'process' | 'objective'> {
  const blockOutChannels = options.channels.split(',').map(Number);
  return {
    name: 'quality',
    seed: options.seed,
    image: { sizePx: options.imageSize, channels: 1 },
    classes: [...PHANTOM_CLASSES],
    data: { intensity: { method: 'percentile', low: 0, high: 99.5 }, heldOutFraction: 0.2, horizontalFlip: true },
    conditioning: { site: true, dropout: 0.1 },
    network: {
      kind: 'unet2d',
      blockOutChannels,
      layersPerBlock: 1,
      attention: blockOutChannels.map(() => false),
      normGroups: options.normGroups,
    },
    optimiser: {
      kind: 'adamw',
      learningRate: options.learningRate,
      warmupSteps: Math.min(100, Math.floor(options.trainSteps / 20)),
      schedule: 'cosine',
    },
    rounds: { count: 1, localSteps: options.trainSteps, batchSize: 16, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4 },
  };
}
