import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { LARGEST_DECAY } from '@tributary/protocol/server-ema';
import { z } from 'zod';
import type { Action, CommandContext } from '../../command-context.js';
import { formatBytes } from '../../output/quantities.js';
import { numberBetween, parseVerbOptions, wholeNumber } from '../../verb-options.js';
import { median } from '../alternate.js';
import { besidePeer, peerOf, printBench, type BenchRow } from '../bench-table.js';
import { LightConsortium } from './light-consortium.js';
import { peerRounds, type MeasuredRounds, type PeerRounds } from './peer-rounds.js';
import { plainStreamSeconds } from './plain-streams.js';
import { roundRecipe, weightsBytes } from './round-recipe.js';

const MEGABYTE = 1e6;

const optionsSchema = z.object({
  bytes: wholeNumber(1000, 1e11).optional(),
  sites: wholeNumber(1, 1000).optional(),
  rounds: wholeNumber(1, 1000),
  dir: z.string().min(1).optional(),
  python: z.string().min(1).optional(),
  streams: z.boolean().optional(),
  emaDecay: numberBetween(0, LARGEST_DECAY),
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
  const { bytes, sites, dir, streams = false, ...settings } = parseVerbOptions(optionsSchema, options);
  const directory = resolve(context.host.cwd, dir ?? tmpdir());
  const cases = bytes === undefined ? CASES : [{ bytes, sites: 4 }];
  const rows: BenchRow[] = [];
  for (const each of cases) {
    const asked = { ...each, sites: sites ?? each.sites };
    rows.push(...(await benchCase(context, asked, { ...settings, directory, streams })));
  }
  printBench(context, rows);
};

interface RoundsSettings {
  readonly rounds: number;
  readonly directory: string;
  /** Its Flower and NVFLARE are measured after ours. */
  readonly python?: string | undefined;
  /** Whether plain streams of the same bytes are timed after ours. */
  readonly streams: boolean;
  /** Of the moving average that the coordinator keeps; 0: none. */
  readonly emaDecay: number;
}

async function benchCase(
  context: CommandContext,
  { bytes, sites }: RoundsCase,
  { rounds, directory, python, streams, emaDecay }: RoundsSettings,
): Promise<BenchRow[]> {
  const recipe = roundRecipe({ bytes, sites, rounds, emaDecay });
  const name = `${formatBytes(weightsBytes(recipe))} x ${sites} sites${storeOf(context)}`;
  context.output.note(`Measuring rounds of ${name}`);
  const consortium = { sites, processes: sites, directory, signal: context.host.signal };
  const ours = await LightConsortium.with(consortium, async (each) => {
    await each.connect();
    const before = (await each.coordinatorProcessorSeconds()) ?? NaN;
    const published = await each.run(recipe);
    const worked = ((await each.coordinatorProcessorSeconds()) ?? NaN) - before;
    const serverPeakRssMiB = await each.coordinatorPeakRssMiB();
    await each.tallies();
    const roundSeconds = published.map(({ seconds }) => seconds ?? NaN);
    return { roundSeconds, serverPeakRssMiB, processorSeconds: worked / published.length };
  });
  const { signal } = context.host;
  const plainSeconds = streams
    ? await plainStreamSeconds({ bytes: weightsBytes(recipe), sites, outputs: emaDecay > 0 ? 2 : 1, directory, signal })
    : undefined;
  const peers =
    python === undefined
      ? []
      : await peerRounds(context, python, { megabytes: weightsBytes(recipe) / MEGABYTE, sites, rounds });
  return [...rowsOf(name, ours, peers), ...besideStreams(name, ours, plainSeconds)];
}

/** The coordinator that is started finds its store in the same environment. */
function storeOf({ host }: CommandContext): string {
  return host.env['TRIBUTARY_S3_BUCKET'] === undefined ? '' : ', S3';
}

interface OurRounds extends MeasuredRounds {
  /** Of the coordinator, a round; NaN where the system does not tell. */
  readonly processorSeconds: number;
}

function besideStreams(name: string, ours: OurRounds, plainSeconds: number | undefined): BenchRow[] {
  if (plainSeconds === undefined) return [];
  const row = { bench: 'rounds', case: name };
  return [
    { ...row, metric: 'plainStreamSeconds', unit: 's', ours: plainSeconds },
    { ...row, metric: 'roundOverPlainStreams', unit: 'x', ours: typicalSeconds(ours) / plainSeconds },
  ];
}

/** Beside the quicker peer in time, and beside the smaller one in memory. */
function rowsOf(name: string, ours: OurRounds, peers: readonly PeerRounds[]): BenchRow[] {
  const row = { bench: 'rounds', case: name };
  const quickest = peers.toSorted((a, b) => typicalSeconds(a) - typicalSeconds(b))[0];
  const time = { ...row, metric: 'roundSeconds', unit: 's', ours: typicalSeconds(ours) };
  const rows: BenchRow[] = [
    besidePeer(time, quickest && peerOf(quickest, typicalSeconds(quickest)), 'less'),
    { ...row, metric: 'firstRoundSeconds', unit: 's', ours: ours.roundSeconds[0] ?? NaN },
  ];
  if (Number.isFinite(ours.processorSeconds)) {
    rows.push({ ...row, metric: 'coordinatorProcessorSeconds', unit: 's', ours: ours.processorSeconds });
  }
  const peak = ours.serverPeakRssMiB;
  if (peak === undefined) return rows;
  const smallest = peers
    .flatMap((peer) => (peer.serverPeakRssMiB === undefined ? [] : [peerOf(peer, peer.serverPeakRssMiB)]))
    .toSorted((a, b) => a.value - b.value)[0];
  return [...rows, besidePeer({ ...row, metric: 'coordinatorPeakRssMiB', unit: 'MiB', ours: peak }, smallest, 'less')];
}

/** The median of all but the first round, which warms up. */
function typicalSeconds({ roundSeconds }: MeasuredRounds): number {
  const [first = NaN, ...later] = roundSeconds;
  return later.length > 0 ? median(later) : first;
}
