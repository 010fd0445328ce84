import { cpus } from 'node:os';
import { openEngine } from '../engines/open-engine.js';
import type { Engine } from '../program.js';
import { BENCH_SIZES } from './bench-sizes.js';
import { benchPrograms, type BenchSize } from './bench-step.js';
import { benchTorch } from './bench-torch.js';

export interface BenchOptions {
  /** `BENCH_SIZES` when left out. */
  readonly sizes?: readonly BenchSize[];
  /** Numbers of threads to measure; 1 and all cores when left out. */
  readonly threads?: readonly number[];
  /** How often every contender is measured, in turn; the median counts. 5 when left out. */
  readonly rounds?: number;
  /** A Python that can import torch; PyTorch is left out of the run without one. */
  readonly python?: string;
  readonly onProgress?: (line: string) => void;
}

/** Medians of one contender on one size. */
export interface BenchRow {
  readonly contender: string;
  readonly size: string;
  readonly parameters: number;
  readonly threads: number;
  readonly compileMs?: number;
  readonly trainImagesPerSecond: number;
  readonly sampleImagesPerSecond: number;
}

export interface BenchReport {
  readonly machine: string;
  readonly node: string;
  readonly rows: readonly BenchRow[];
}

/** One thing that is timed: milliseconds of one training step and of one forward pass. */
export interface Contender {
  readonly name: string;
  readonly parameters: number;
  readonly compileMs?: number;
  measure(): Promise<{ trainMs: number; sampleMs: number }>;
  dispose(): Promise<void>;
}

const LAYOUTS = ['plain', 'blocked'] as const;

/**
 * Times training and sampling of every size on the onnx engine (both convolution layouts) and, beside it in the same
 * alternating run, on PyTorch (both memory formats) where Python has it.
 */
export async function benchEngine(options: BenchOptions = {}): Promise<BenchReport> {
  const { sizes = BENCH_SIZES, threads = [1, cpus().length], rounds = 5 } = options;
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    for (const count of new Set(threads)) {
      const contenders = await openContenders(size, { threads: count, python: options.python });
      for (const row of await alternate(contenders, rounds)) {
        rows.push({ ...row, size: size.name, threads: count, ...perSecond(row, size.batch) });
        options.onProgress?.(`${size.name}, ${count} thread(s): ${row.contender} ${row.trainMs.toFixed(1)} ms a step`);
      }
    }
  }
  const model = cpus()[0]?.model ?? 'unknown processor';
  return { machine: `${model}, ${cpus().length} cores`, node: process.version, rows };
}

async function openContenders(
  size: BenchSize,
  { threads, python }: { threads: number; python?: string },
): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const layout of LAYOUTS) {
    const engine = await openEngine({ name: 'onnx', threads, layout });
    contenders.push(await engineContender(engine, { size, name: `onnx, ${layout}` }));
  }
  return python === undefined ? contenders : [...contenders, ...(await benchTorch(python, size, threads))];
}

async function engineContender(engine: Engine, { size, name }: { size: BenchSize; name: string }): Promise<Contender> {
  const start = performance.now();
  const programs = await benchPrograms(engine, size);
  const compileMs = performance.now() - start;
  await programs.train();
  await programs.sample();
  const time = async (run: () => Promise<unknown>) => {
    const begin = performance.now();
    await run();
    return performance.now() - begin;
  };
  return {
    name,
    parameters: programs.parameters,
    compileMs,
    measure: async () => ({
      trainMs: await time(() => programs.train()),
      sampleMs: await time(() => programs.sample()),
    }),
    dispose: () => programs.dispose(),
  };
}

interface Medians {
  readonly contender: string;
  readonly parameters: number;
  readonly compileMs?: number;
  readonly trainMs: number;
  readonly sampleMs: number;
}

/** Every contender once a round, in turn, so that what else the machine does meets all of them alike. */
async function alternate(contenders: readonly Contender[], rounds: number): Promise<Medians[]> {
  const times = contenders.map(() => ({ trainMs: new Array<number>(), sampleMs: new Array<number>() }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const { trainMs, sampleMs } = await contender.measure();
      times[i]?.trainMs.push(trainMs);
      times[i]?.sampleMs.push(sampleMs);
    }
  }
  for (const contender of contenders) await contender.dispose();
  return contenders.map(({ name, parameters, compileMs }, i) => ({
    contender: name,
    parameters,
    compileMs,
    trainMs: median(times[i]?.trainMs ?? []),
    sampleMs: median(times[i]?.sampleMs ?? []),
  }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function perSecond({ trainMs, sampleMs }: Medians, batch: number) {
  return { trainImagesPerSecond: (1000 * batch) / trainMs, sampleImagesPerSecond: (1000 * batch) / sampleMs };
}
