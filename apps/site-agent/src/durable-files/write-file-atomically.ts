import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TributaryError } from '@tributary/protocol';
import { errnoOf } from './errno.js';

export interface WriteOptions {
  /** File mode; 0o600 for keys. */
  readonly mode?: number;
  /** True (default): the bytes are on the disk before the name appears. False for files that can be made again. */
  readonly durable?: boolean;
}

let writes = 0;

/**
 * Writes a whole file so that its name shows either the old content or the new, whatever happens in between:
 * temporary file, fsync, rename, fsync of the folder.
 *
 * @param parts The content, in pieces that are written one after the other.
 * @throws TributaryError DISK_FULL when the disk has no room; the old content stays.
 */
export async function writeFileAtomically(
  path: string,
  parts: string | readonly Uint8Array[],
  { mode = 0o640, durable = true }: WriteOptions = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.${(writes += 1)}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      if (typeof parts === 'string') await file.writeFile(parts);
      else for (const part of parts) await file.writeFile(part);
      if (durable) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    if (durable) await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw asDiskFull(error);
  }
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** DISK_FULL for the operating system's ENOSPC and EDQUOT; anything else as it is. */
export function asDiskFull(error: unknown): unknown {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' ? new TributaryError('DISK_FULL', {}, { cause: error }) : error;
}
