import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { errnoOf } from '../../durable-files/errno.js';

const holderSchema = z.object({ pid: z.int().positive(), startedAt: z.string().nullable() });
type Holder = z.infer<typeof holderSchema>;

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a data folder; the file names the holding process. A lock whose process is gone (kill -9, power
 * cut) is taken over.
 *
 * @throws TributaryError DATA_DIR_LOCKED with the holder's process id.
 */
export async function lockDirectory(lockFile: string): Promise<DirectoryLock> {
  const own: Holder = { pid: process.pid, startedAt: await processStart(process.pid) };
  const candidate = `${lockFile}.${process.pid}`;
  await writeFile(candidate, JSON.stringify(own));
  try {
    while (!(await claim(candidate, lockFile))) await clearStale(lockFile);
  } finally {
    await rm(candidate, { force: true });
  }
  return { release: () => rm(lockFile, { force: true }) };
}

/** The process that holds the lock and is alive, if any. */
export async function lockHolder(lockFile: string): Promise<number | undefined> {
  const holder = await readHolder(lockFile);
  return holder !== undefined && (await isAlive(holder)) ? holder.pid : undefined;
}

/** A hard link appears whole or not at all, so two processes cannot both succeed. */
async function claim(candidate: string, lockFile: string): Promise<boolean> {
  try {
    await link(candidate, lockFile);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function clearStale(lockFile: string): Promise<void> {
  const holder = await readHolder(lockFile);
  if (holder !== undefined && (await isAlive(holder))) {
    throw new TributaryError('DATA_DIR_LOCKED', { detail: `process ${holder.pid}`, pid: holder.pid });
  }
  const aside = `${lockFile}.stale.${process.pid}`;
  try {
    await rename(lockFile, aside);
  } catch {
    return; // another process took the stale lock away first
  }
  const moved = await readHolder(aside);
  if (moved !== undefined && (await isAlive(moved))) {
    await link(aside, lockFile).catch(() => undefined); // it was renewed between the look and the rename: put it back
  }
  await unlink(aside);
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') return false;
  }
  return holder.startedAt === (await processStart(holder.pid));
}

/** Start time of a process in clock ticks since boot (Linux), so that a process id used again is not taken for the holder. */
async function processStart(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
