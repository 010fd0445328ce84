import { openEngine, type Engine } from '@tributary/tensor';
import { z } from 'zod';
import type { Action, CommandContext, VerbInput } from '../command-context.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { printBench, type BenchRow } from './bench-table.js';
import { engineCandidates } from './engine-candidates.js';
import { probeSampling } from './sampling-probe.js';
import { probeTraining } from './training-probe.js';

const optionsSchema = z.object({ seconds: wholeNumber(1, 600), threads: wholeNumber(1, 256) });

/** `tributary bench engine`: training speed of every usable engine. */
export const benchEngine: Action = (context, input) =>
  benchEngines(context, input, async (engine, { label, seconds }) => {
    const { imagesPerSecond, compileSeconds } = await probeTraining(engine, seconds);
    const row = { bench: 'engine', case: `${label}, batch 16` };
    return [
      { ...row, metric: 'trainImagesPerSecond', unit: '1/s', ours: imagesPerSecond },
      { ...row, metric: 'compileSeconds', unit: 's', ours: compileSeconds },
    ];
  });

/** `tributary bench sampling`: how quickly every usable engine makes images. */
export const benchSampling: Action = (context, input) =>
  benchEngines(context, input, async (engine, { label, seconds }) => {
    const ours = await probeSampling(engine, seconds);
    return [
      { bench: 'sampling', case: `${label}, Heun, 12 steps`, metric: 'sampleImagesPerSecond', unit: '1/s', ours },
    ];
  });

interface BenchCase {
  readonly label: string;
  readonly seconds: number;
}

async function benchEngines(
  context: CommandContext,
  { options }: VerbInput,
  measure: (engine: Engine, benchCase: BenchCase) => Promise<BenchRow[]>,
): Promise<void> {
  const { seconds, threads } = parseVerbOptions(optionsSchema, options);
  const rows: BenchRow[] = [];
  for (const { name, usable } of await engineCandidates()) {
    if (!usable) continue;
    context.output.note(`Measuring ${name} for ${seconds} s`);
    const engine = await openEngine({ name, threads });
    const label = `${engine.name}/${engine.device}, ${engine.threads} thread(s), quick demo network`;
    rows.push(...(await measure(engine, { label, seconds })));
    await engine.dispose();
  }
  printBench(context, rows);
}
