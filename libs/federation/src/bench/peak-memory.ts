import { readFile } from 'node:fs/promises';

const KIBIBYTE = 1024;

/**
 * The largest resident memory of this process in bytes, since it became this program. Linux's `ru_maxrss`, which Node reports,
 * survives exec and so starts at the memory of the process that forked this one; `VmHWM` does not.
 */
export async function peakMemoryBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const highWater = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return KIBIBYTE * (highWater === undefined ? process.resourceUsage().maxRSS : Number(highWater));
}
