import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TributaryError, parseOrThrow } from '@tributary/protocol';
import { z } from 'zod';
import { isErrno } from '../errors/errno.js';

const LOCK_FILE = 'coordinator.lock';
const holderSchema = z.object({ pid: z.int().positive(), startedAt: z.string().nullable() });
type Holder = z.infer<typeof holderSchema>;

/**
 * Makes this process the only one on a data folder. The lock of a process that no longer runs is taken over.
 *
 * @returns A function that gives the lock back.
 * @throws TributaryError DATA_DIR_LOCKED with the holder's pid.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = join(dataDir, LOCK_FILE);
  const mine = JSON.stringify({ pid: process.pid, startedAt: processStart(process.pid) } satisfies Holder);
  const candidate = `${path}.${process.pid}`;
  writeFileSync(candidate, mine);
  try {
    while (!tryLink(candidate, path)) evictStale(path);
  } finally {
    rmSync(candidate, { force: true });
  }
  return () => {
    if (readOrNull(path) === mine) unlinkSync(path);
  };
}

/** A link appears whole or not at all, so that no reader sees a half-written lock. */
function tryLink(candidate: string, path: string): boolean {
  try {
    linkSync(candidate, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

function evictStale(path: string): void {
  const content = readOrNull(path);
  if (content === null) return;
  const holder = parseHolder(content);
  if (holder !== null && isRunning(holder)) {
    throw new TributaryError('DATA_DIR_LOCKED', { detail: `by process ${holder.pid}`, pid: holder.pid });
  }
  const grave = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, grave);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  // Another process may have evicted the same lock and taken it meanwhile: then this was its lock, and it gets it back.
  if (readOrNull(grave) !== content) tryLink(grave, path);
  rmSync(grave, { force: true });
}

function isRunning({ pid, startedAt }: Holder): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
  return startedAt === null || processStart(pid) === startedAt;
}

/** When a process started, so that a reused pid is told apart; null where the system does not say. */
function processStart(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function parseHolder(content: string): Holder | null {
  try {
    return parseOrThrow(holderSchema, JSON.parse(content), 'CONFIG_INVALID');
  } catch {
    return null;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
