import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TributaryError } from '@tributary/protocol';
import { manifestLocations, type ParameterEntry } from '@tributary/protocol/manifest';
import { decodeSafetensorsHeader, encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { writeFileAtomically } from '../durable-files/write-file-atomically.js';

/**
 * Reads a model's weights.
 *
 * @returns The flat vector in manifest order.
 * @throws TributaryError UPDATE_WRONG_MANIFEST when names or shapes are not the manifest's; SAFETENSORS_INVALID.
 */
export async function readWeights(path: string, manifest: readonly ParameterEntry[]): Promise<Float32Array> {
  const bytes = await readFile(path);
  const { entries, headerBytes, dataBytes } = decodeSafetensorsHeader(bytes);
  const expected = manifestLocations(manifest);
  const same =
    entries.length === expected.length &&
    entries.every(({ name, dtype, shape }, index) => {
      const wanted = expected[index];
      return name === wanted?.name && dtype === wanted.dtype && String(shape) === String(wanted.shape);
    });
  if (!same || bytes.length !== headerBytes + dataBytes) {
    throw new TributaryError('UPDATE_WRONG_MANIFEST', {
      detail: "the global weights are not those of the run's network",
    });
  }
  return float32At(bytes, headerBytes, dataBytes);
}

export interface WrittenFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Writes a flat vector as the manifest's tensors; on the disk when it returns. */
export async function writeWeights(
  path: string,
  manifest: readonly ParameterEntry[],
  flat: Float32Array,
): Promise<WrittenFile> {
  return writeHashed(path, [encodeSafetensorsHeader(manifestLocations(manifest)), bytesOf(flat)]);
}

/** Writes the parts of a file one after the other, and tells what a receiver will find. */
export async function writeHashed(path: string, parts: readonly Uint8Array[]): Promise<WrittenFile> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  await writeFileAtomically(path, parts);
  return { sha256: hash.digest('hex'), sizeBytes: parts.reduce((sum, part) => sum + part.length, 0) };
}

/** The file format is little-endian, as is every machine that runs an engine. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy, because the bytes of a file need not start at a multiple of four in memory. */
export function float32At(bytes: Uint8Array, offset: number, byteLength: number): Float32Array {
  return new Float32Array(Uint8Array.prototype.slice.call(bytes, offset, offset + byteLength).buffer);
}
