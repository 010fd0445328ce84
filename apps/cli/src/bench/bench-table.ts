import { cpus } from 'node:os';
import type { CommandContext } from '../command-context.js';
import { textTable } from '../output/table.js';

/** What others measure on the same machine in the same run. */
interface Peer {
  readonly name: string;
  readonly version: string;
  readonly value: number;
}

/** What a peer measured, under its name and version. */
export function peerOf({ name, version }: Omit<Peer, 'value'>, value: number): Peer {
  return { name, version, value };
}

/** One measured figure. */
export interface BenchRow {
  readonly bench: string;
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer?: Peer;
  /** Ours over the peer's: 1 is equal, more is better for us, whatever the unit. */
  readonly ratio?: number;
}

/** Whether more is better; of times and memory, less is. */
export type Better = 'more' | 'less';

/** A row beside a peer's figure. */
export function besidePeer(row: BenchRow, peer: Peer | undefined, better: Better): BenchRow {
  if (!peer) return row;
  return { ...row, peer, ratio: better === 'more' ? row.ours / peer.value : peer.value / row.ours };
}

/** Prints a benchmark with the machine that it ran on. */
export function printBench({ output }: CommandContext, rows: readonly BenchRow[]): void {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`;
  const lines = rows.map(({ case: name, metric, ours, unit, peer, ratio }) => [
    name,
    metric,
    `${ours.toPrecision(4)} ${unit}`,
    peer ? `${peer.value.toPrecision(4)} ${unit}` : '',
    ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    peer?.name ?? '',
  ]);
  const document = { machine, versions: versionsOf(rows), rows };
  output.document(document, textTable(['CASE', 'METRIC', 'OURS', 'PEER', 'RATIO', 'PEER IS'], lines));
}

function versionsOf(rows: readonly BenchRow[]): Record<string, string> {
  const peers = rows.flatMap(({ peer }) => (peer ? [[peer.name, peer.version] as const] : []));
  return { node: process.version, ...Object.fromEntries(peers) };
}
