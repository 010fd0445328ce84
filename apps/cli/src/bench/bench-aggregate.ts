import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { AGGREGATION_BENCH_MAIN } from '../processes/app-paths.js';
import { runProgram } from '../processes/run-program.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { printBench } from './bench-table.js';

const MEGABYTE = 1e6;
const MEBIBYTE = 2 ** 20;

const optionsSchema = z.object({
  bytes: wholeNumber(4, 1e12),
  sites: wholeNumber(1, 10_000),
  rounds: wholeNumber(1, 1000),
  dir: z.string().min(1).optional(),
});

const resultSchema = z.object({
  seconds: z.array(z.number()),
  bytesPerSecond: z.number(),
  peakMemoryBytes: z.number(),
});

/** `tributary bench aggregate`: FedAvg and a moving average of one model, as the coordinator computes a round. */
export const benchAggregate: Action = async (context, { options }) => {
  const { bytes, sites, rounds, dir } = parseVerbOptions(optionsSchema, options);
  const directory = resolve(context.host.cwd, dir ?? tmpdir());
  const request = { modelBytes: bytes, sites, strategy: { kind: 'fedavg' }, directory, repeats: rounds };
  context.output.note(`Aggregating ${(bytes / MEGABYTE).toFixed(0)} MB x ${sites} sites in ${directory}`);
  const { seconds, bytesPerSecond, peakMemoryBytes } = await runProgram(
    AGGREGATION_BENCH_MAIN,
    [JSON.stringify(request)],
    {
      title: 'the aggregation',
      schema: resultSchema,
      signal: context.host.signal,
    },
  );
  const row = { bench: 'aggregate', case: `${(bytes / MEGABYTE).toFixed(0)} MB x ${sites} sites` };
  printBench(context, [
    { ...row, metric: 'roundSeconds', unit: 's', ours: seconds[0] ?? NaN },
    { ...row, metric: 'updateMegabytesPerSecond', unit: 'MB/s', ours: bytesPerSecond / MEGABYTE },
    { ...row, metric: 'coordinatorPeakRssMiB', unit: 'MiB', ours: peakMemoryBytes / MEBIBYTE },
  ]);
};
