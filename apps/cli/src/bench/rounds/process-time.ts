import { readFile } from 'node:fs/promises';

/** Of Linux's clock in /proc, on every architecture that Node runs on. */
const TICKS_A_SECOND = 100;
/** Places after the name in parentheses, which may hold spaces; see proc_pid_stat(5), fields 14 and 15. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/**
 * Seconds that processors have worked for a process, all its threads together: they tell what a round costs where other work
 * makes the clock useless.
 *
 * @returns undefined where the system does not tell (it is Linux that does).
 */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_A_SECOND;
}
