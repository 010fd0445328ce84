import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Weights that no command has used for so long are let go. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

/** Where commands that take a release by its name keep its weights: `$XDG_CACHE_HOME/tributary/weights`, else under `~/.cache`. */
export function weightsCachePath(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary', 'weights');
}

/** Notes that a file of the cache was used, and lets those go that were not for a week. */
export async function keepInCache(path: string, { folder, nowMs }: { folder: string; nowMs: number }): Promise<void> {
  await utimes(path, nowMs / 1000, nowMs / 1000);
  for (const name of await readdir(folder)) {
    const each = join(folder, name);
    // Another process may have let it go already.
    const { mtimeMs = nowMs } = (await stat(each).catch(() => undefined)) ?? {};
    if (nowMs - mtimeMs > KEPT_MS) await rm(each, { force: true });
  }
}
