import { federationSchema, type Federation } from '@tributary/protocol/federation';
import type { RunEvent } from '@tributary/protocol/http';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import { parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { median } from '../alternate.js';
import { BENCH_CASE_NAMES, benchCase, type BenchCaseName } from '../bench-case.js';
import { printBench, type BenchRow } from '../bench-table.js';
import { gapsBetween, roundMomentsIn, siteMomentsIn, type BetweenRounds } from './between-rounds.js';
import { TRAINING_CLASSES, TrainingConsortium } from './training-consortium.js';

const MS_PER_SECOND = 1000;
const MEGABYTE = 1e6;
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
  network: z.enum(BENCH_CASE_NAMES).optional(),
  exchange: federationSchema.shape.exchange,
  dir: z.string().min(1).optional(),
});

/** `tributary bench short-rounds`: what a round costs beside its training, with real agents and their trainers. */
export const benchShortRounds: Action = async (context, { options }) => {
  const { sites, rounds, network, exchange, dir } = parseVerbOptions(optionsSchema, options);
  const { output, host } = context;
  const directory = resolve(host.cwd, dir ?? tmpdir());
  output.note(`Training ${rounds} short rounds at ${sites} sites`);
  const recipe = shortRoundsRecipe({ sites, rounds, network, exchange });
  const { events, logs } = await TrainingConsortium.run({ sites, recipe, directory, signal: host.signal });
  const gaps = gapsBetween(roundMomentsIn(events), logs.flatMap(siteMomentsIn)).slice(WARM_UP);
  const named = [`${sites} sites`, `${gaps.length} rounds`, ...(network ? [network] : []), exchange].join(', ');
  const row = { bench: 'short-rounds', case: named };
  printBench(context, [
    ...METRICS.map((part) => ({ ...row, metric: `${part}Seconds`, unit: 's', ours: medianSeconds(gaps, part) })),
    ...trafficRows(row, events),
  ]);
};

/** The middle value of one part over all rounds, in seconds. */
function medianSeconds(gaps: readonly BetweenRounds[], part: (typeof METRICS)[number]): number {
  return median(gaps.map((gap) => gap[`${part}Ms`])) / MS_PER_SECOND;
}

/** What a site sends and fetches in a round, as the coordinator counts it. */
function trafficRows(row: Pick<BenchRow, 'bench' | 'case'>, events: readonly RunEvent[]): BenchRow[] {
  const published = events.filter(({ kind }) => kind === 'round.published').slice(WARM_UP);
  const megabytes = (name: 'bytesUp' | 'bytesDown'): number =>
    median(published.map(({ detail }) => Number(detail[name]) / Number(detail['answered']) / MEGABYTE));
  return [
    { ...row, metric: 'sentMegabytes', unit: 'MB', ours: megabytes('bytesUp') },
    { ...row, metric: 'fetchedMegabytes', unit: 'MB', ours: megabytes('bytesDown') },
  ];
}

interface ShortRounds {
  readonly sites: number;
  readonly rounds: number;
  /** Of the benches of engines; one of its own when left out. */
  readonly network: BenchCaseName | undefined;
  readonly exchange: Federation['exchange'];
}

/** A few thousand parameters and two steps a round: nearly all of a round is what it costs beside its training. */
function shortRoundsRecipe({ sites, rounds, network, exchange }: ShortRounds): Recipe {
  return recipeSchema.parse({
    name: 'bench-short-rounds',
    seed: 1,
    image: { sizePx: 16, channels: 1 },
    classes: [...TRAINING_CLASSES],
    data: { intensity: { method: 'percentile' }, heldOutFraction: 0.25 },
    conditioning: {},
    network: { kind: 'unet2d', ...(network ? networkOf(network) : TINY_NETWORK) },
    federation: { exchange },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 2e-3 },
    rounds: { count: rounds, localSteps: 2, batchSize: 4, quorum: sites },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8, utilitySeeds: 0 },
  });
}

const TINY_NETWORK = { blockOutChannels: [8, 16], attention: [false, false] };

/** Its weights do not depend on the size of the images, which are small here. */
function networkOf(name: BenchCaseName) {
  const { blockOutChannels, attention, attentionHeadDim, normGroups } = benchCase(name);
  return { blockOutChannels, attention, attentionHeadDim, normGroups };
}
