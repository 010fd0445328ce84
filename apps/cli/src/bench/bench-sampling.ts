import { openEngine, type Engine } from '@tributary/tensor';
import { z } from 'zod';
import type { Action, CommandContext, VerbInput } from '../command-context.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { printBench, type BenchRow } from './bench-table.js';
import { probeSampling } from './sampling-probe.js';

const engineNameSchema = z.enum(['auto', 'onnx', 'tensorflow', 'reference'], {
  error: 'auto, onnx, tensorflow or reference',
});
const optionsSchema = z.object({
  seconds: wholeNumber(1, 600),
  threads: wholeNumber(1, 256),
  engine: engineNameSchema,
});

/** `tributary bench sampling`: how quickly an engine makes images. */
export const benchSampling: Action = (context, input) =>
  benchOne(context, input, async (engine, { label, seconds }) => {
    const ours = await probeSampling(engine, seconds);
    return [
      { bench: 'sampling', case: `${label}, Heun, 12 steps`, metric: 'sampleImagesPerSecond', unit: '1/s', ours },
    ];
  });

interface BenchCase {
  readonly label: string;
  readonly seconds: number;
}

async function benchOne(
  context: CommandContext,
  { options }: VerbInput,
  measure: (engine: Engine, benchCase: BenchCase) => Promise<BenchRow[]>,
): Promise<void> {
  const { seconds, threads, engine: name } = parseVerbOptions(optionsSchema, options);
  const engine = await openEngine({ name, threads });
  context.output.note(`Measuring ${engine.name} for ${seconds} s`);
  const label = `${engine.name}/${engine.device}, ${engine.threads} thread(s), quick demo network`;
  const rows = await measure(engine, { label, seconds });
  await engine.dispose();
  printBench(context, rows);
}
