import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol';

export interface BenchSize {
  readonly imageSizePx: number;
  readonly rounds: number;
  readonly localSteps: number;
  readonly samplesPerSite: number;
  readonly seed: number;
}

/** A way to train on the same images with the same number of steps. */
export interface Arm {
  readonly name: string;
  /** What it is, for the table. */
  readonly what: string;
  readonly pooled?: boolean;
  readonly changes?: (size: BenchSize) => Partial<RecipeInput>;
}

const BATCH = 16;
/** Local steps of every site in a round of the short-rounds arm. */
const SHORT = 2;
/** Of the averaged weights, a round of an arm with `BenchSize.rounds`. */
const EMA_DECAY = 0.9;

/** As many images as in all rounds of the others, and an average over the same share of the run. */
function sameImages(
  { rounds, localSteps }: BenchSize,
  { steps, batch = BATCH }: { readonly steps: number; readonly batch?: number },
): Pick<RecipeInput, 'rounds' | 'serverEma'> {
  const count = Math.round((rounds * localSteps * BATCH) / (steps * batch));
  return {
    rounds: { count, localSteps: steps, batchSize: batch, quorum: 1 },
    serverEma: { decay: EMA_DECAY ** (rounds / count) },
  };
}

/**
 * One round a step, as training on pooled data with three times the batch would go. Larger batches take longer steps
 * (square root: Krizhevsky 2014), from the rate that suits the pooled batch.
 */
function gradientRounds(size: BenchSize, batch: number): Partial<RecipeInput> {
  const learningRate = OPTIMISER.learningRate * Math.sqrt(Math.max(1, (3 * batch) / BATCH));
  return {
    ...sameImages(size, { steps: 1, batch }),
    strategy: { kind: 'fedsgd' },
    optimiser: { ...OPTIMISER, learningRate },
  };
}

/** What each lever is worth: all take as many optimiser steps, on as many images, as the first. */
export const ARMS: readonly Arm[] = [
  { name: 'pooled', what: 'all images in one place, labelled with their scanner', pooled: true },
  { name: 'fedavg', what: 'FedAvg; rows of a site averaged over its owner alone' },
  {
    name: 'all-rows',
    what: 'FedAvg; rows averaged over all sites',
    changes: () => ({ strategy: { kind: 'fedavg', ownedRows: false } }),
  },
  {
    name: 'server-rate',
    what: 'FedAvg with owned rows, serverLearningRate 2',
    changes: () => ({ strategy: { kind: 'fedavg', serverLearningRate: 2 } }),
  },
  {
    name: 'server-momentum',
    what: 'FedAvgM with owned rows, momentum 0.6',
    changes: () => ({ strategy: { kind: 'fedavgm', momentum: 0.6 } }),
  },
  {
    name: 'short-rounds',
    what: `FedAvg with owned rows, ${SHORT} local steps a round`,
    changes: (size) => sameImages(size, { steps: SHORT }),
  },
  {
    name: 'film',
    what: 'FedAvg with owned rows that scale and shift (timeScaleShift)',
    changes: () => ({ network: { ...NETWORK, timeScaleShift: true } }),
  },
  {
    name: 'local-norms',
    what: 'FedAvg with owned rows, norms that never leave the site (FedBN)',
    changes: () => ({ federation: { localParameters: ['norms'] } }),
  },
  { name: 'fedprox', what: 'FedProx, mu 0.1', changes: () => ({ strategy: { kind: 'fedprox', mu: 0.1 } }) },
  {
    name: 'fedsgd',
    what: 'FedSGD, 16 images a site and round',
    changes: (size) => gradientRounds(size, 16),
  },
  {
    name: 'fedsgd-8',
    what: 'FedSGD, 8 images a site and round',
    changes: (size) => gradientRounds(size, 8),
  },
  { name: 'scaffold', what: 'SCAFFOLD', changes: () => ({ strategy: { kind: 'scaffold' } }) },
];

const OPTIMISER = { kind: 'adamw', learningRate: 4e-3, warmupSteps: 20, schedule: 'cosine' } as const;
const NETWORK: RecipeInput['network'] = {
  kind: 'unet2d',
  blockOutChannels: [8, 16, 32],
  layersPerBlock: 1,
  attention: [false, false, false],
};

/** The recipe of one arm: that of the quick demo, with the arm's changes. */
export function recipeOf(arm: Arm, size: BenchSize, classes: readonly string[]): Recipe {
  const recipe: RecipeInput = {
    name: `heterogeneous-${arm.name}`,
    seed: size.seed,
    image: { sizePx: size.imageSizePx, channels: 1 },
    classes: [...classes],
    data: { intensity: { method: 'percentile', low: 0, high: 99.5 }, heldOutFraction: 0.2, horizontalFlip: true },
    conditioning: { site: true, dropout: 0.1 },
    network: NETWORK,
    process: { kind: 'edm', sigmaData: 0.68 },
    objective: { prediction: 'edm' },
    optimiser: OPTIMISER,
    ...sameImages(size, { steps: size.localSteps }),
    strategy: { kind: 'fedavg' },
    evaluation: {
      sampler: 'heun',
      steps: 12,
      samplesPerSite: size.samplesPerSite,
      utilitySeeds: 0,
      scarceClasses: classes.filter((name) => name.endsWith('-lesion')),
    },
  };
  return recipeSchema.parse({ ...recipe, ...arm.changes?.(size) });
}
