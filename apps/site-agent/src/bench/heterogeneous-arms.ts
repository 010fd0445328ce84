import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol';

export interface BenchSize {
  readonly imageSizePx: number;
  readonly rounds: number;
  readonly localSteps: number;
  readonly samplesPerSite: number;
}

/** A way to train on the same images with the same number of steps. */
export interface Arm {
  readonly name: string;
  /** What it is, for the table. */
  readonly what: string;
  readonly pooled?: boolean;
  readonly changes?: (size: BenchSize) => Partial<RecipeInput>;
}

/** Local steps of every site in a round of the short-rounds arms. */
const SHORT = 2;

function shortRounds({ rounds, localSteps }: BenchSize): RecipeInput['rounds'] {
  return { ...roundsOf(Math.round((rounds * localSteps) / SHORT), SHORT) };
}

function roundsOf(count: number, localSteps: number): RecipeInput['rounds'] {
  return { count, localSteps, batchSize: 16, quorum: 1 };
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
    changes: (size) => ({ rounds: shortRounds(size) }),
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
  { name: 'scaffold', what: 'SCAFFOLD', changes: () => ({ strategy: { kind: 'scaffold' } }) },
];

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
    seed: 1,
    image: { sizePx: size.imageSizePx, channels: 1 },
    classes: [...classes],
    data: { intensity: { method: 'percentile', low: 0, high: 99.5 }, heldOutFraction: 0.2, horizontalFlip: true },
    conditioning: { site: true, dropout: 0.1 },
    network: NETWORK,
    process: { kind: 'edm', sigmaData: 0.68 },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 4e-3, warmupSteps: 20, schedule: 'cosine' },
    rounds: roundsOf(size.rounds, size.localSteps),
    strategy: { kind: 'fedavg' },
    serverEma: { decay: 0.9 },
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
