import { TributaryError } from '@tributary/protocol/errors';
import { access, constants, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../../system-error.js';

/** @throws TributaryError OUTPUT_NOT_OURS when the folder holds something, or is a file. */
export async function assertEmptyOutput(directory: string): Promise<void> {
  const isFilled = await readdir(directory).then(
    (names) => names.length > 0,
    (error: unknown) => !isSystemError(error, 'ENOENT'),
  );
  if (isFilled) throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out' });
}

/**
 * For work that takes long before it writes.
 *
 * @throws TributaryError OUTPUT_NOT_OURS when a file has the name of the folder or of one above it, and the system's error where
 *   nothing may be written.
 */
export async function assertWritableOutput(directory: string): Promise<void> {
  const found = await stat(directory).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return undefined;
    throw error;
  });
  if (found === undefined) return assertWritableOutput(dirname(directory));
  if (!found.isDirectory()) throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out lies where a file is' });
  await access(directory, constants.W_OK);
}

/** Where what is downloaded for a new folder lies until the folder is there; it outlives the process. */
export function downloadsOf(directory: string): string {
  return `${directory}.download`;
}

/** Makes a folder that appears under its name only when `write` has filled it. */
export async function writeNewFolder<T>(directory: string, write: (part: string) => Promise<T>): Promise<T> {
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const written = await write(part);
  await rm(directory, { recursive: true, force: true });
  await rename(part, directory);
  return written;
}
