import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { CommandContext } from '../../command-context.js';

const run = promisify(execFile);
const PROGRAMS = ['flower_rounds.py', 'nvflare_rounds.py'].map((file) =>
  join(import.meta.dirname, '../../../bench', file),
);

const measuredSchema = z.object({
  roundSeconds: z.array(z.number()).min(1),
  /** Of the server alone; absent where it cannot be told. */
  serverPeakRssMiB: z.number().optional(),
});
const peerSchema = measuredSchema.extend({ name: z.string(), version: z.string() });

export type MeasuredRounds = z.infer<typeof measuredSchema>;
export type PeerRounds = z.infer<typeof peerSchema>;

export interface PeerCase {
  readonly megabytes: number;
  readonly sites: number;
  readonly rounds: number;
}

/** The same rounds in Flower and NVFLARE, as far as this Python has them. */
export async function peerRounds(
  { output, host }: CommandContext,
  python: string,
  rounds: PeerCase,
): Promise<PeerRounds[]> {
  const measured: PeerRounds[] = [];
  for (const program of PROGRAMS) {
    try {
      const { stdout } = await run(python, [program, JSON.stringify(rounds)], { signal: host.signal });
      measured.push(peerSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')));
    } catch (error) {
      host.signal.throwIfAborted();
      const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : '';
      output.note(`Left out: ${program.split('/').at(-1)}: ${reason}`);
    }
  }
  return measured;
}
