import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import { parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { median } from '../alternate.js';
import { printBench } from '../bench-table.js';
import { gapsBetween, roundMomentsIn, siteMomentsIn, type BetweenRounds } from './between-rounds.js';
import { TRAINING_CLASSES, TrainingConsortium } from './training-consortium.js';

const MS_PER_SECOND = 1000;
/** Gaps that are left out: the first rounds warm up caches and compilers. */
const WARM_UP = 2;

const METRICS = [
  'fixedCost',
  'betweenSteps',
  'write',
  'send',
  'close',
  'aggregate',
  'offer',
  'decide',
  'download',
  'begin',
] as const;

const optionsSchema = z.object({
  sites: wholeNumber(1, 26),
  rounds: wholeNumber(4, 1000),
  dir: z.string().min(1).optional(),
});

/** `tributary bench short-rounds`: what a round costs beside its training, with real agents and their trainers. */
export const benchShortRounds: Action = async (context, { options }) => {
  const { sites, rounds, dir } = parseVerbOptions(optionsSchema, options);
  const { output, host } = context;
  const directory = resolve(host.cwd, dir ?? tmpdir());
  output.note(`Training ${rounds} short rounds at ${sites} sites`);
  const recipe = shortRoundsRecipe(sites, rounds);
  const { events, logs } = await TrainingConsortium.run({ sites, recipe, directory, signal: host.signal });
  const gaps = gapsBetween(roundMomentsIn(events), logs.flatMap(siteMomentsIn)).slice(WARM_UP);
  const row = { bench: 'short-rounds', case: `${sites} sites, ${gaps.length} rounds`, unit: 's' };
  printBench(
    context,
    METRICS.map((part) => ({ ...row, metric: `${part}Seconds`, ours: medianSeconds(gaps, part) })),
  );
};

/** The middle value of one part over all rounds, in seconds. */
function medianSeconds(gaps: readonly BetweenRounds[], part: (typeof METRICS)[number]): number {
  return median(gaps.map((gap) => gap[`${part}Ms`])) / MS_PER_SECOND;
}

/** A few thousand parameters and two steps a round: nearly all of a round is what it costs beside its training. */
function shortRoundsRecipe(sites: number, rounds: number): Recipe {
  return recipeSchema.parse({
    name: 'bench-short-rounds',
    seed: 1,
    image: { sizePx: 16, channels: 1 },
    classes: [...TRAINING_CLASSES],
    data: { intensity: { method: 'percentile' }, heldOutFraction: 0.25 },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8, 16], attention: [false, false] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 2e-3 },
    rounds: { count: rounds, localSteps: 2, batchSize: 4, quorum: sites },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 1, samplesPerSite: 8, utilitySeeds: 0 },
  });
}
