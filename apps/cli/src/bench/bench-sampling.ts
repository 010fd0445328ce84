import { z } from 'zod';
import type { Action } from '../command-context.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { alternate, type Timing } from './alternate.js';
import { BENCH_CASE_NAMES, benchCase } from './bench-case.js';
import { besidePeer, printBench, type BenchRow } from './bench-table.js';
import { startContender, type Contender } from './contender.js';
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
  const { size, rounds, threads, python } = parseVerbOptions(optionsSchema, options);
  const run: EngineRun = { bench: benchCase(size), task: 'heun', threads };
  const peer = await peerPython(context, python);
  const programs = [...ourContenders(run), ...(peer === undefined ? [] : peerContenders(run, peer))];
  const contenders: Contender[] = [];
  try {
    for (const program of programs) contenders.push(await startContender(program));
    context.output.note(`Measuring ${contenders.map(({ name }) => name).join(', ')} in turn`);
    printBench(context, rowsOf(run, await alternate(contenders, rounds), ourContenders(run).length));
  } finally {
    for (const contender of contenders) await contender.close();
  }
};

/** Each of ours beside the quickest of the peers. */
function rowsOf({ bench, threads }: EngineRun, timings: readonly Timing[], ours: number): BenchRow[] {
  const imagesPerSecond = ({ ms }: Timing): number => (1000 * IMAGES) / ms;
  const [best] = timings.slice(ours).toSorted((a, b) => a.ms - b.ms);
  const peer = best && { name: best.contender.name, version: best.contender.version, value: imagesPerSecond(best) };
  return timings.slice(0, ours).map((timing) =>
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
