import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action, CommandContext } from '../../command-context.js';
import { parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { median } from '../alternate.js';
import { printBench, type BenchRow } from '../bench-table.js';
import { LightConsortium } from './light-consortium.js';
import { roundRecipe, weightsBytes } from './round-recipe.js';

const MEGABYTE = 1e6;

const optionsSchema = z.object({
  bytes: wholeNumber(1000, 1e11).optional(),
  sites: wholeNumber(1, 1000).optional(),
  rounds: wholeNumber(1, 1000),
  dir: z.string().min(1).optional(),
});

interface RoundsCase {
  readonly bytes: number;
  readonly sites: number;
}

/** The sizes that federated platforms are compared at. */
const CASES: readonly RoundsCase[] = [
  { bytes: 10 * MEGABYTE, sites: 4 },
  { bytes: 100 * MEGABYTE, sites: 4 },
  { bytes: 250 * MEGABYTE, sites: 6 },
];

/** `tributary bench rounds`: what a round costs without its training, from the opening to the next published version. */
export const benchRounds: Action = async (context, { options }) => {
  const { bytes, sites, rounds, dir } = parseVerbOptions(optionsSchema, options);
  const directory = resolve(context.host.cwd, dir ?? tmpdir());
  const cases = bytes === undefined ? CASES : [{ bytes, sites: 4 }];
  const rows: BenchRow[] = [];
  for (const each of cases) {
    rows.push(...(await benchCase(context, { ...each, sites: sites ?? each.sites }, { rounds, directory })));
  }
  printBench(context, rows);
};

async function benchCase(
  context: CommandContext,
  { bytes, sites }: RoundsCase,
  { rounds, directory }: { rounds: number; directory: string },
): Promise<BenchRow[]> {
  const recipe = roundRecipe({ bytes, sites, rounds });
  const name = `${(weightsBytes(recipe) / MEGABYTE).toPrecision(3)} MB x ${sites} sites`;
  context.output.note(`Measuring rounds of ${name}`);
  const consortium = { sites, processes: sites, directory, signal: context.host.signal };
  return LightConsortium.with(consortium, async (each) => {
    await each.connect();
    const published = await each.run(recipe);
    const [first = NaN, ...later] = published.map(({ seconds }) => seconds ?? NaN);
    const peak = await each.coordinatorPeakRssMiB();
    await each.tallies();
    const row = { bench: 'rounds', case: name };
    return [
      { ...row, metric: 'roundSeconds', unit: 's', ours: later.length > 0 ? median(later) : first },
      { ...row, metric: 'firstRoundSeconds', unit: 's', ours: first },
      ...(peak === undefined ? [] : [{ ...row, metric: 'coordinatorPeakRssMiB', unit: 'MiB', ours: peak }]),
    ];
  });
}
