import { TributaryError } from '@tributary/protocol/errors';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** Sizes and marks of the ZIP format (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). */
const END_OF_DIRECTORY = Buffer.from('PK\x05\x06');
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const ENTRY_MARK = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const CHUNK_BYTES = 2 ** 20;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly headerAt: number;
}

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
  const handle = await open(wheel);
  try {
    const entries = await readDirectory(handle);
    let count = 0;
    for (const entry of entries) {
      const path = entry.name.endsWith('/') ? undefined : place(entry.name);
      if (path === undefined) continue;
      await unpackEntry(wheel, { handle, entry }, join(folder, path));
      count += 1;
    }
    return count;
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw notAnArchive();
  return buffer;
}

function notAnArchive(): TributaryError {
  return new TributaryError('ENGINE_WHEEL_MISMATCH', { detail: 'the wheel is not a complete ZIP archive' });
}

async function readDirectory(handle: FileHandle): Promise<Entry[]> {
  const { size } = await handle.stat();
  const length = Math.min(size, END_BYTES + LONGEST_COMMENT);
  const tail = await readAt(handle, size - length, length);
  const end = tail.lastIndexOf(END_OF_DIRECTORY);
  if (end < 0) throw notAnArchive();
  const directory = await readAt(handle, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === ENTRY_MARK;) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const nameAt = at + ENTRY_BYTES;
    entries.push({
      name: directory.toString('utf8', nameAt, nameAt + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      headerAt: directory.readUInt32LE(at + 42),
    });
    at = nameAt + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  if (entries.length !== tail.readUInt16LE(end + 10)) throw notAnArchive();
  return entries;
}

async function unpackEntry(
  wheel: string,
  { handle, entry }: { readonly handle: FileHandle; readonly entry: Entry },
  target: string,
): Promise<void> {
  const { method, compressedBytes, headerAt } = entry;
  if (method !== STORED && method !== DEFLATED) throw notAnArchive();
  const header = await readAt(handle, headerAt, LOCAL_HEADER_BYTES);
  const start = headerAt + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  await mkdir(dirname(target), { recursive: true });
  const output = createWriteStream(target);
  if (compressedBytes === 0) {
    output.end();
    return;
  }
  const input = createReadStream(wheel, { start, end: start + compressedBytes - 1 });
  if (method === STORED) await pipeline(input, output);
  else await pipeline(input, createInflateRaw({ chunkSize: CHUNK_BYTES }), output);
}
