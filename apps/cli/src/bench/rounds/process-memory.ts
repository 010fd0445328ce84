import { readFile } from 'node:fs/promises';

const KIBIBYTES_A_MEBIBYTE = 1024;

/**
 * Largest resident memory of a process so far, all its threads together, in MiB.
 *
 * @returns undefined where the system does not tell (it is Linux that does).
 */
export async function peakRssMiB(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const highWaterKiB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return highWaterKiB === undefined ? undefined : Number(highWaterKiB) / KIBIBYTES_A_MEBIBYTE;
}
