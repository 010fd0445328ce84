import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProblemKind } from './image-problem.js';
import { systemErrorCode } from './system-error.js';

/** A regular file under the folder, by the names of the folders that lead to it and its own. */
export interface ListedFile {
  readonly path: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** Files that belong to a folder of images without being one. */
const EXPECTED_COMPANIONS = new Set(['labels.csv', 'DICOMDIR']);

/**
 * All files under a folder, in the order of their names. Links are followed, each folder is visited once; names that
 * begin with a dot are left out.
 *
 * @param onProblem Told of what is no regular file or cannot be looked at.
 */
export async function listFiles(directory: string, onProblem: (kind: ProblemKind) => void): Promise<ListedFile[]> {
  const visited = new Set<string>();
  const files: ListedFile[] = [];

  async function visitFolder(path: string, names: readonly string[]): Promise<void> {
    const real = await realpath(path);
    if (visited.has(real)) {
      onProblem('broken-link');
      return;
    }
    visited.add(real);
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.') || EXPECTED_COMPANIONS.has(entry.name)) continue;
      await visitEntry(path, entry, names).catch((error: unknown) => onProblem(accessProblem(error)));
    }
  }

  async function visitEntry(folder: string, entry: Dirent, parents: readonly string[]): Promise<void> {
    const path = join(folder, entry.name);
    const names = [...parents, entry.name];
    const status = await stat(path);
    if (status.isDirectory()) await visitFolder(path, names);
    else if (status.isFile()) files.push({ path, names, sizeBytes: status.size });
    else onProblem('not-an-image');
  }

  await visitFolder(directory, []);
  return files;
}

/** Which problem a failed system call means. */
export function accessProblem(error: unknown): ProblemKind {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ELOOP' ? 'broken-link' : 'unreadable';
}

/** True when the path is a folder that can be listed. */
export async function isFolder(path: string): Promise<boolean> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) return false;
  return status.isDirectory() || (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
