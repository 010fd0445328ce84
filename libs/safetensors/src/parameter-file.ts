import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { parameterCount, type ParameterManifest } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { openParameters, type ReadableBytes } from './parameter-source.js';

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

/** All parameters of a model in manifest order: at once, or one piece after the other. */
export type ParameterValues = Float32Array | AsyncIterable<Float32Array>;

interface WriteRequest {
  readonly manifest: ParameterManifest;
  readonly flat: ParameterValues;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a flat float32 vector as a safetensors file. The file appears under its name only when it is whole and on disk:
 * it is written beside it, synced and renamed.
 *
 * @throws RangeError when the vector has not the manifest's length, or names are not ascending.
 */
export async function writeParameterFile(
  file: string,
  { manifest, flat, metadata }: WriteRequest,
): Promise<WrittenFile> {
  if (!isStream(flat)) assertCount(flat.length, manifest);
  const header = encodeSafetensorsHeader(
    manifest.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })),
    metadata,
  );
  const partial = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.partial`);
  try {
    const written = await writeAndSync(partial, partsOf(header, { manifest, flat }));
    await rename(partial, file);
    await syncFolder(path.dirname(file));
    return written;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function* partsOf(header: Uint8Array, { manifest, flat }: WriteRequest): AsyncGenerator<Uint8Array> {
  yield header;
  let count = 0;
  for await (const { buffer, byteOffset, byteLength, length } of isStream(flat) ? flat : [flat]) {
    yield new Uint8Array(buffer, byteOffset, byteLength);
    count += length;
  }
  assertCount(count, manifest);
}

function isStream(values: ParameterValues): values is AsyncIterable<Float32Array> {
  return Symbol.asyncIterator in values;
}

function assertCount(count: number, manifest: ParameterManifest): void {
  const wanted = parameterCount(manifest);
  if (count !== wanted) throw new RangeError(`the manifest has ${wanted} parameters, the vector ${count}`);
}

async function writeAndSync(file: string, parts: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
  const handle = await open(file, 'w');
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const part of parts) {
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
    const { header, values } = await openParameters(await readableBytes(handle), order);
    const flat = await values({ begin: 0, end: header.dataBytes });
    const manifest = header.entries.map(({ name, shape }) => ({ name, shape: [...shape] }));
    return { manifest, flat, metadata: header.metadata };
  } finally {
    await handle.close();
  }
}

/** The bytes of an open file. */
export async function readableBytes(handle: FileHandle): Promise<ReadableBytes> {
  const { size: sizeBytes } = await handle.stat();
  return {
    sizeBytes,
    read: async (position, into) => {
      let done = 0;
      while (done < into.length) {
        const length = Math.min(CHUNK_BYTES, into.length - done);
        const { bytesRead } = await handle.read(into, done, length, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
  };
}
