import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { quickest, timeInTurn, type Timing } from './alternate.js';
import { BENCH_CASE_NAMES, benchCase } from './bench-case.js';
import { besidePeer, peerOf, printBench, type BenchRow } from './bench-table.js';
import { clippingContenders, ourContenders, peerContenders, type EngineRun } from './engine-contender-programs.js';
import { peerPython } from './python-with-diffusers.js';

const listOf = <T>(item: z.ZodType<T>) => z.preprocess((text) => String(text).split(','), z.array(item));

const optionsSchema = z.object({
  sizes: listOf(z.enum(BENCH_CASE_NAMES, { error: `some of ${BENCH_CASE_NAMES.join(', ')}` })).optional(),
  threads: listOf(wholeNumber(1, 256)).optional(),
  rounds: wholeNumber(1, 1000),
  python: z.string().optional(),
  clipExamples: z.boolean().default(false),
});

const TASKS = ['train', 'sample'] as const;
const METRICS = {
  train: 'trainImagesPerSecond',
  sample: 'sampleImagesPerSecond',
  heun: 'sampleImagesPerSecond',
} as const;

/** `tributary bench engine`: our engines beside PyTorch, in training and sampling. */
export const benchEngine: Action = async (context, { options }) => {
  const asked = parseVerbOptions(optionsSchema, options);
  const threadCounts = new Set(asked.threads ?? [1, availableParallelism()]);
  const python = await peerPython(context, asked.python);
  const rows: BenchRow[] = [];
  for (const name of asked.sizes ?? BENCH_CASE_NAMES) {
    for (const threads of threadCounts) {
      for (const task of TASKS) {
        const run = { bench: benchCase(name), task, threads };
        context.output.note(`Measuring ${task} on ${caseName(run)}`);
        rows.push(...(await benchOne(run, { ...asked, python })));
      }
    }
  }
  printBench(context, rows);
};

function caseName({ bench, threads }: EngineRun): string {
  return `${bench.name} ${bench.sizePx} px, batch ${bench.batchSize}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

interface BenchSettings {
  readonly rounds: number;
  readonly python: string | undefined;
  /** Whether training is also timed with the gradients of single examples clipped. */
  readonly clipExamples: boolean;
}

async function benchOne(run: EngineRun, { rounds, python, clipExamples }: BenchSettings): Promise<BenchRow[]> {
  const ours = ourContenders(run);
  const clipping = clipExamples && run.task === 'train' ? clippingContenders(run) : [];
  const peers = python === undefined ? [] : peerContenders(run, python);
  const timings = await timeInTurn([...ours, ...clipping, ...peers], rounds);
  const plain = timings.slice(0, ours.length);
  const clipped = timings.slice(ours.length, ours.length + clipping.length);
  const clippedRows = clipped.flatMap((timing, i) => clippingRows(run, timing, plain[i]));
  return [...rowsOf(run, plain, timings.slice(ours.length + clipping.length)), ...clippedRows];
}

/** A step that clips the gradient of every example, and its time over the plain step's. */
function clippingRows(run: EngineRun, timing: Timing, plain: Timing | undefined): BenchRow[] {
  const row = { bench: 'engine', case: `${caseName(run)}, ${timing.contender.name}` };
  const timesPlain = timing.ms / (plain?.ms ?? NaN);
  return [
    ...engineRows(run, timing, undefined),
    { ...row, metric: 'clippedStepOverPlain', unit: 'x', ours: timesPlain },
  ];
}

/** Each of our engines beside PyTorch's default memory format, and our best beside its better one. */
function rowsOf(run: EngineRun, ours: readonly Timing[], peers: readonly Timing[]): BenchRow[] {
  const rows = ours.flatMap((timing) => engineRows(run, timing, peers[0]));
  const best = quickest(ours);
  const betterPeer = quickest(peers);
  if (!best || !betterPeer) return rows;
  return [...rows, speedRow(run, { ...best, label: `best (${best.contender.name})` }, betterPeer)];
}

function engineRows(run: EngineRun, timing: Timing, peer: Timing | undefined): BenchRow[] {
  const { name, compileMs = NaN } = timing.contender;
  const row = { bench: 'engine', case: `${caseName(run)}, ${name}` };
  const memory = { ...row, metric: `${run.task}PeakRssMiB`, unit: 'MiB', ours: timing.peakRssMiB };
  return [
    speedRow(run, { ...timing, label: name }, peer),
    besidePeer(memory, peer && peerOf(peer.contender, peer.peakRssMiB), 'less'),
    { ...row, metric: `${run.task}CompileSeconds`, unit: 's', ours: compileMs / 1000 },
  ];
}

function speedRow(run: EngineRun, { ms, label }: Timing & { readonly label: string }, peer?: Timing): BenchRow {
  const imagesPerSecond = (timeMs: number): number => (1000 * run.bench.batchSize) / timeMs;
  const row = { bench: 'engine', case: `${caseName(run)}, ${label}`, metric: METRICS[run.task], unit: '1/s' };
  return besidePeer(
    { ...row, ours: imagesPerSecond(ms) },
    peer && peerOf(peer.contender, imagesPerSecond(peer.ms)),
    'more',
  );
}
