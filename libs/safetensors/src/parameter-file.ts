import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { parameterCount, type ParameterManifest } from '@tributary/protocol/manifest';
import {
  decodeSafetensorsHeader,
  encodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsError,
  safetensorsHeaderByteLength,
  type SafetensorsHeader,
} from '@tributary/protocol/safetensors';

const CHUNK_BYTES = 1 << 20;

/** What was written: enough to name and to send the file. */
export interface WrittenFile {
  readonly sizeBytes: number;
  /** Of the whole file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** The parameters of a model, as a file holds them. */
export interface ParameterFile {
  readonly manifest: ParameterManifest;
  /** All parameters, in manifest order. */
  readonly flat: Float32Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a flat float32 vector as a safetensors file. The file appears under its name only when it is whole and on disk:
 * it is written beside it, synced and renamed.
 *
 * @throws RangeError when the vector has not the manifest's length, or names are not ascending.
 */
export async function writeParameterFile(
  file: string,
  { manifest, flat, metadata }: Omit<ParameterFile, 'metadata'> & { metadata?: Readonly<Record<string, string>> },
): Promise<WrittenFile> {
  if (flat.length !== parameterCount(manifest)) {
    throw new RangeError(`the manifest has ${parameterCount(manifest)} parameters, the vector ${flat.length}`);
  }
  const header = encodeSafetensorsHeader(
    manifest.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })),
    metadata,
  );
  const data = new Uint8Array(flat.buffer, flat.byteOffset, flat.byteLength);
  const partial = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.partial`);
  try {
    const written = await writeAndSync(partial, [header, data]);
    await rename(partial, file);
    await syncFolder(path.dirname(file));
    return written;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeAndSync(file: string, parts: readonly Uint8Array[]): Promise<WrittenFile> {
  const handle = await open(file, 'w');
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for (const part of parts) {
      for (let offset = 0; offset < part.length; offset += CHUNK_BYTES) {
        const chunk = part.subarray(offset, offset + CHUNK_BYTES);
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      sizeBytes += part.length;
    }
    await handle.sync();
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Reads a safetensors file of float32 parameters, holding it to the format: the header's rules, float32 only, and not one
 * byte less or more than the header says.
 *
 * @param order `'name'` (default) wants the data in ascending order of names, as `writeParameterFile` gives it; `'any'`
 *              reads files of other tools, the flat vector then being in the file's own order.
 * @throws TributaryError SAFETENSORS_INVALID with the broken rule as `context.fault`.
 */
export async function readParameterFile(
  file: string,
  { order = 'name' }: { order?: 'name' | 'any' } = {},
): Promise<ParameterFile> {
  const handle = await open(file, 'r');
  try {
    const header = await readHeader(handle, order);
    const flat = new Float32Array(header.dataBytes / Float32Array.BYTES_PER_ELEMENT);
    await readFully(handle, new Uint8Array(flat.buffer), header.headerBytes);
    const { size } = await handle.stat();
    if (size !== header.headerBytes + header.dataBytes) {
      throw safetensorsError('bad-offsets', `${size - header.headerBytes - header.dataBytes} bytes follow the data`);
    }
    const manifest = header.entries.map(({ name, shape }) => ({ name, shape: [...shape] }));
    return { manifest, flat, metadata: header.metadata };
  } finally {
    await handle.close();
  }
}

async function readHeader(handle: FileHandle, order: 'name' | 'any'): Promise<SafetensorsHeader> {
  const prefix = new Uint8Array(LENGTH_PREFIX_BYTES);
  await readFully(handle, prefix, 0);
  const bytes = new Uint8Array(safetensorsHeaderByteLength(prefix));
  await readFully(handle, bytes, 0);
  const header = decodeSafetensorsHeader(bytes, { order });
  const other = header.entries.findIndex(({ dtype }) => dtype !== 'F32');
  if (other >= 0) throw safetensorsError('unknown-dtype', `tensor ${other} is not float32`);
  return header;
}

async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const length = Math.min(CHUNK_BYTES, into.length - done);
    const { bytesRead } = await handle.read(into, done, length, position + done);
    if (bytesRead === 0) throw safetensorsError('truncated', `the file ends ${into.length - done} bytes early`);
    done += bytesRead;
  }
}
