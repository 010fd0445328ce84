import { endianness } from 'node:os';
import { manifestLocations, parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import type { ByteSource } from './byte-source.js';
import { assertInside, type FloatSource } from './float-source.js';
import { openTensorFile } from './tensor-file.js';

export const FLOAT_BYTES = 4;

/**
 * Reads a safetensors file of float32 parameters as one flat vector, read straight into the caller's memory.
 *
 * @throws What `openTensorFile` throws.
 */
export async function openFloatFile(bytes: ByteSource, manifest: readonly ParameterEntry[]): Promise<FloatSource> {
  assertLittleEndian();
  const file = await openTensorFile(bytes, manifestLocations(manifest));
  const length = parameterCount(manifest);
  return {
    length,
    read: async (offset, out) => {
      assertInside(length, offset, out.length);
      await file.read(offset * FLOAT_BYTES, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
    },
    close: () => file.close(),
  };
}

/** Files hold little-endian numbers and are read straight into typed arrays. */
export function assertLittleEndian(): void {
  if (endianness() !== 'LE') throw new Error('weights can only be read on a little-endian machine');
}
