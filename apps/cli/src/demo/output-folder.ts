import { TributaryError } from '@tributary/protocol/errors';
import { mkdir, readFile, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { formatBytes } from '../output/quantities.js';
import { isSystemError } from '../system-error.js';
import { writeWholeFile } from '../whole-file.js';

const MARKER = '.tributary-demo.json';
const markerSchema = z.object({ writtenBy: z.literal('tributary demo'), processIds: z.array(z.int()) });

/** Everything that a demo writes; nothing else in the folder is ever touched. */
const OURS = ['sites', 'coordinator', 'logs', 'film', 'release', 'report.html', 'samples.png', 'result.json'] as const;

export interface DiskSpace {
  readonly freeBytes: (directory: string) => Promise<number>;
}

/** Free space of the file system that holds a folder, for this user. */
export const diskSpace: DiskSpace = {
  freeBytes: async (directory) => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  },
};

/**
 * The demo's `--out`: made new, or an earlier demo's emptied.
 *
 * @throws TributaryError OUTPUT_NOT_OURS, DATA_DIR_LOCKED, DATA_DIR_NOT_WRITABLE or DISK_FULL; nothing was changed then.
 */
export async function openOutputFolder(
  directory: string,
  { neededBytes, disk = diskSpace }: { readonly neededBytes: number; readonly disk?: DiskSpace },
): Promise<OutputFolder> {
  const path = resolve(directory);
  const found = await namesIn(path);
  if (found.length > 0) await assertOurs(path);
  const freeBytes = await disk.freeBytes(await nearestExisting(path));
  if (freeBytes < neededBytes) {
    const detail = `--out needs ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} are free`;
    throw new TributaryError('DISK_FULL', { detail, neededBytes, freeBytes });
  }
  try {
    await Promise.all(OURS.map((name) => rm(join(path, name), { recursive: true, force: true })));
    await mkdir(path, { recursive: true });
    const folder = new OutputFolder(path);
    await folder.recordProcesses([]);
    await Promise.all(['logs', 'film', 'sites'].map((name) => mkdir(join(path, name))));
    return folder;
  } catch (error) {
    throw new TributaryError('DATA_DIR_NOT_WRITABLE', { detail: '--out' }, { cause: error });
  }
}

/** Where a demo's files lie. */
export class OutputFolder {
  constructor(readonly path: string) {}

  of(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /** Remembers what is running, so that a later demo does not pull the floor from under it. */
  async recordProcesses(processIds: readonly number[]): Promise<void> {
    await this.writeFile(MARKER, `${JSON.stringify({ writtenBy: 'tributary demo', processIds })}\n`);
  }

  /** Writes a file so that it is there whole or not at all. */
  async writeFile(name: string, content: string | Uint8Array): Promise<void> {
    await writeWholeFile(this.of(name), content);
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out is not a folder that can be read' }, { cause: error });
  }
}

async function assertOurs(path: string): Promise<void> {
  const marker = markerSchema.safeParse(
    await readFile(join(path, MARKER), 'utf8')
      .then((text): unknown => JSON.parse(text))
      .catch(() => undefined),
  );
  if (!marker.success) throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out' });
  const running = marker.data.processIds.filter(isRunning);
  if (running.length > 0) {
    throw new TributaryError('DATA_DIR_LOCKED', {
      detail: `--out of a demo whose processes ${running.join(', ')} still run`,
    });
  }
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (await readdir(folder).then(Boolean, () => false)) return folder;
    if (folder === dirname(folder)) return folder;
  }
}
