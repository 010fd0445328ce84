import { TributaryError } from '@tributary/protocol/errors';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';

/**
 * Unpacks the files of a wheel (a ZIP archive) that `place` gives a place below `folder`, one at a time and in pieces.
 *
 * @returns how many were unpacked.
 * @throws TributaryError ENGINE_WHEEL_MISMATCH when the file is no such archive.
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  place: (name: string) => string | undefined,
): Promise<number> {
  const archive = await openPromise(wheel, { autoClose: false }).catch(refuse);
  try {
    let count = 0;
    for (const entry of await entriesOf(archive).catch(refuse)) {
      const path = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
      if (path === undefined) continue;
      await unpackEntry(archive, entry, join(folder, path));
      count += 1;
    }
    return count;
  } finally {
    archive.close();
  }
}

function refuse(cause: unknown): never {
  throw new TributaryError('ENGINE_WHEEL_MISMATCH', { detail: 'the wheel is not a complete ZIP archive' }, { cause });
}

async function entriesOf(archive: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of archive.eachEntry()) entries.push(entry);
  return entries;
}

async function unpackEntry(archive: ZipFile, entry: Entry, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const content = await archive.openReadStreamPromise(entry).catch(refuse);
  await pipeline(content, createWriteStream(target));
}
