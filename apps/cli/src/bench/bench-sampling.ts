import { z } from 'zod';
import type { Action } from '../command-context.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { quickest, timeInTurn, type Timing } from './alternate.js';
import { BENCH_CASE_NAMES, benchCase } from './bench-case.js';
import { besidePeer, peerOf, printBench, type BenchRow } from './bench-table.js';
import { ourContenders, peerContenders, type EngineRun } from './engine-contender-programs.js';
import { peerPython } from './python-with-diffusers.js';

const optionsSchema = z.object({
  size: z.enum(BENCH_CASE_NAMES, { error: `one of ${BENCH_CASE_NAMES.join(', ')}` }),
  rounds: wholeNumber(1, 1000),
  threads: wholeNumber(1, 256),
  python: z.string().optional(),
});

const IMAGES = 16;

/**
 * `tributary bench sampling`: 16 images by 18 steps of Heun's method (35 evaluations each) with our sampler and engine, in turn
 * with diffusers' `HeunDiscreteScheduler` and the same network.
 */
export const benchSampling: Action = async (context, { options }) => {
  const { size, rounds, threads, python: asked } = parseVerbOptions(optionsSchema, options);
  const run: EngineRun = { bench: benchCase(size), task: 'heun', threads };
  const python = await peerPython(context, asked);
  const ours = ourContenders(run);
  const peers = python === undefined ? [] : peerContenders(run, python);
  context.output.note(`Measuring ${[...ours, ...peers].map(({ name }) => name).join(', ')} in turn`);
  const timings = await timeInTurn([...ours, ...peers], rounds);
  printBench(context, rowsOf(run, timings.slice(0, ours.length), timings.slice(ours.length)));
};

/** Each of ours beside the quickest of the peers. */
function rowsOf({ bench, threads }: EngineRun, ours: readonly Timing[], peers: readonly Timing[]): BenchRow[] {
  const imagesPerSecond = ({ ms }: Timing): number => (1000 * IMAGES) / ms;
  const best = quickest(peers);
  const peer = best && peerOf(best.contender, imagesPerSecond(best));
  return ours.map((timing) =>
    besidePeer(
      {
        bench: 'sampling',
        case: `${bench.name} ${bench.sizePx} px, ${IMAGES} images, Heun 18, ${threads} thread(s), ${timing.contender.name}`,
        metric: 'sampleImagesPerSecond',
        unit: '1/s',
        ours: imagesPerSecond(timing),
      },
      peer,
      'more',
    ),
  );
}
