import { cpus } from 'node:os';
import type { CommandContext } from '../command-context.js';
import { textTable } from '../output/table.js';

/** One measured figure. */
export interface BenchRow {
  readonly bench: string;
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
}

/** Prints a benchmark with the machine that it ran on. */
export function printBench({ output }: CommandContext, rows: readonly BenchRow[]): void {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`;
  const lines = rows.map((row) => [row.case, row.metric, row.ours.toPrecision(4), row.unit]);
  const document = { machine, versions: { node: process.version }, rows };
  output.document(document, textTable(['CASE', 'METRIC', 'VALUE', 'UNIT'], lines));
}
