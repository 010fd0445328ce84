import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import { parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { printBench } from '../bench-table.js';
import { LightConsortium } from './light-consortium.js';
import type { SitesTally } from './light-sites.js';
import { roundRecipe } from './round-recipe.js';

const TINY_BYTES = 20_000;

const optionsSchema = z.object({ agents: wholeNumber(1, 10_000), processes: wholeNumber(1, 64) });

/** `tributary bench agents`: many sites at one coordinator, one round offered to all of them, answered and closed. */
export const benchAgents: Action = async (context, { options }) => {
  const { agents, processes } = parseVerbOptions(optionsSchema, options);
  const { output, host } = context;
  const recipe = roundRecipe({ bytes: TINY_BYTES, sites: agents, rounds: 1 });
  output.note(`Enrolling ${agents} light agents`);
  const consortium = { sites: agents, processes, directory: tmpdir(), signal: host.signal };
  await LightConsortium.with(consortium, async (each) => {
    const connectSeconds = await each.connect();
    output.note('Connected; one round for all');
    const [round] = await each.run(recipe);
    const peak = await each.coordinatorPeakRssMiB();
    const lost = lostMessages(agents, round?.answered ?? 0, await each.tallies());
    const row = { bench: 'agents', case: `${agents} agents` };
    printBench(context, [
      { ...row, metric: 'roundSeconds', unit: 's', ours: round?.seconds ?? NaN },
      { ...row, metric: 'connectSeconds', unit: 's', ours: connectSeconds },
      { ...row, metric: 'messagesLost', unit: '', ours: lost },
      ...(peak === undefined ? [] : [{ ...row, metric: 'coordinatorPeakRssMiB', unit: 'MiB', ours: peak }]),
    ]);
  });
};

/** Offers that no site heard of unasked, updates that were not counted, and whatever failed for good. */
function lostMessages(agents: number, answered: number, tallies: readonly SitesTally[]): number {
  const heard = tallies.reduce((sum, { offersByHint }) => sum + offersByHint, 0);
  const failed = tallies.flatMap(({ failures }) => Object.values(failures)).reduce((sum, count) => sum + count, 0);
  return agents - heard + (agents - answered) + failed;
}
