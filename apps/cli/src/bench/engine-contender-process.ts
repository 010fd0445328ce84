import { createInterface } from 'node:readline';
import { createNetworkProgram } from '@tributary/diffusion/sampling/network-program';
import { createSampler, createTrainer } from '@tributary/diffusion';
import { initialModel } from '@tributary/diffusion/initial-model';
import { peakMemoryBytes } from '@tributary/federation/bench/peak-memory';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { z } from 'zod';
import { BENCH_CASE_NAMES, benchCase, benchRecipe, type BenchCase } from './bench-case.js';
import type { Measurement, Ready } from './contender.js';

/** Without classes there is one row: "no condition". */
const CLASS_ROWS = 0;
const MEBIBYTE = 2 ** 20;
const WARM_UP_RUNS = 1;
/** A measurement repeats short runs for about this long. */
const BURST_MS = 800;

export const engineContenderSchema = z.object({
  case: z.enum(BENCH_CASE_NAMES),
  task: z.enum(['train', 'sample', 'heun']),
  engine: z.enum(['onnx', 'tensorflow']),
  layout: z.enum(['plain', 'blocked']).optional(),
  threads: z.int(),
  /** Of training: clips the gradient of every example to this norm. */
  exampleClipNorm: z.number().positive().optional(),
});

type TaskOptions = Pick<z.infer<typeof engineContenderSchema>, 'exampleClipNorm'>;

interface Timed {
  readonly parameters: number;
  run(): Promise<unknown>;
}

async function training(engine: Engine, bench: BenchCase, { exampleClipNorm }: TaskOptions): Promise<Timed> {
  const recipe = benchRecipe(bench);
  const trainer = await createTrainer({ engine, recipe, classRows: CLASS_ROWS, emaDecay: 0.999, exampleClipNorm });
  trainer.setWeights(trainer.initialWeights(1));
  const random = randomStream(1, 'bench');
  const images = new Float32Array(bench.batchSize * bench.sizePx ** 2);
  random.fillNormal(images);
  const classRows = new Int32Array(bench.batchSize);
  let globalStep = 0;
  return {
    parameters: trainer.parameterCount,
    run: () => trainer.step({ images, classRows, random, globalStep: globalStep++ }),
  };
}

async function sampling(engine: Engine, bench: BenchCase): Promise<Timed> {
  const recipe = benchRecipe(bench);
  const { batchSize } = bench;
  const program = await createNetworkProgram({ engine, recipe, classRows: CLASS_ROWS, batchSize });
  const random = randomStream(1, 'bench');
  program.setWeights(Float32Array.from({ length: program.parameterCount }, () => random.normal() / 20));
  const image = Float64Array.from({ length: bench.sizePx ** 2 }, () => random.normal());
  const requests = Array.from({ length: batchSize }, (_, i) => ({ image, noiseLevel: 10 * i, classRow: 0 }));
  return { parameters: program.parameterCount, run: () => program.evaluate(requests) };
}

/** The network's classes when images are made: one, and "no condition". */
const GENERATOR_CLASS_ROWS = 2;
const IMAGES = 16;

/** One run makes 16 images by 18 steps of Heun's method: 35 evaluations each. */
async function generating(engine: Engine, bench: BenchCase): Promise<Timed> {
  const recipe = benchRecipe(bench);
  const { weights } = initialModel(recipe, 1);
  const generator = await createSampler({ engine, recipe, classRows: GENERATOR_CLASS_ROWS, weights });
  const seeds = Array.from({ length: IMAGES }, (_, seed) => seed);
  const classRows = new Int32Array(IMAGES);
  return {
    parameters: weights.length,
    run: () => generator.generate({ seeds, classRows, sampler: 'heun', steps: 18 }),
  };
}

const TASKS = { train: training, sample: sampling, heun: generating } as const;

async function burst(timed: Timed): Promise<number> {
  const startMs = performance.now();
  let runs = 0;
  do {
    await timed.run();
    runs++;
  } while (performance.now() - startMs < BURST_MS);
  return (performance.now() - startMs) / runs;
}

function print(line: Ready | Measurement): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const {
  case: name,
  task,
  engine: engineName,
  layout,
  threads,
  ...taskOptions
} = engineContenderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const engine = await openEngine({ name: engineName, layout, threads });
const openedMs = performance.now();
const timed = await TASKS[task](engine, benchCase(name), taskOptions);
const compileMs = performance.now() - openedMs;
for (let warmUp = 0; warmUp < WARM_UP_RUNS; warmUp++) await timed.run();
print({ version: `tributary ${engine.name}`, parameters: timed.parameters, compileMs });
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'measure') break;
  print({ ms: await burst(timed), peakRssMiB: (await peakMemoryBytes()) / MEBIBYTE });
}
