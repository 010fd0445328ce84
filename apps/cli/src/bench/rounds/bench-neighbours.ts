import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import { formatBytes } from '../../output/quantities.js';
import { parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { median } from '../alternate.js';
import { printBench } from '../bench-table.js';
import { LightConsortium } from './light-consortium.js';
import { roundRecipe, weightsBytes } from './round-recipe.js';

const optionsSchema = z.object({
  bytes: wholeNumber(1000, 1e9),
  sites: wholeNumber(1, 100),
  rounds: wholeNumber(2, 1000),
  largeBytes: wholeNumber(1000, 1e11),
  largeRuns: wholeNumber(1, 8),
  largeRounds: wholeNumber(1, 100),
  dir: z.string().min(1).optional(),
});

/** `tributary bench neighbours`: the rounds of a small run alone, and while large runs of the same sites go on. */
export const benchNeighbours: Action = async (context, { options }) => {
  const { bytes, sites, rounds, largeBytes, largeRuns, largeRounds, dir } = parseVerbOptions(optionsSchema, options);
  const { output, host } = context;
  const small = roundRecipe({ bytes, sites, rounds });
  const large = roundRecipe({ bytes: largeBytes, sites, rounds: largeRounds });
  const directory = resolve(host.cwd, dir ?? tmpdir());
  await LightConsortium.with({ sites, processes: sites, directory, signal: host.signal }, async (each) => {
    await each.connect();
    output.note('A small run alone');
    const alone = secondsOf(await each.run(small));
    output.note(`The same beside ${largeRuns} large ones`);
    const largeOnes = Promise.all(Array.from({ length: largeRuns }, () => each.run(large)));
    const beside = await whileUnderWay(largeOnes, async () => secondsOf(await each.run(small)));
    const largeSeconds = (await largeOnes).flatMap((published) => published.map(({ seconds }) => seconds ?? NaN));
    await each.tallies();
    const name = `${formatBytes(weightsBytes(small))} x ${sites} sites beside ${largeRuns} of ${formatBytes(weightsBytes(large))}`;
    const row = { bench: 'neighbours', case: name, unit: 's' };
    printBench(context, [
      { ...row, metric: 'aloneRoundSeconds', ours: median(alone) },
      { ...row, metric: 'roundSeconds', ours: median(beside) },
      { ...row, metric: 'slowestRoundSeconds', ours: Math.max(...beside) },
      { ...row, metric: 'largeRoundSeconds', ours: median(largeSeconds) },
      { ...row, metric: 'rounds', unit: '', ours: beside.length },
    ]);
  });
};

/** Repeats `measure` until `work` has ended; what was not finished by then does not count, unless it is all there is. */
async function whileUnderWay(work: Promise<unknown>, measure: () => Promise<number[]>): Promise<number[]> {
  const ended = work.then(
    () => true,
    () => true,
  );
  const isUnderWay = async (): Promise<boolean> => !(await Promise.race([ended, setImmediate(false)]));
  const measured = await measure();
  while (await isUnderWay()) {
    const more = await measure();
    if (await isUnderWay()) measured.push(...more);
  }
  return measured;
}

/** Of all rounds but the first, which warms up. */
function secondsOf(published: readonly { readonly seconds: number | null }[]): number[] {
  return published.slice(1).map(({ seconds }) => seconds ?? NaN);
}
