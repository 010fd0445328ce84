import { open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { TributaryError } from '@tributary/protocol/errors';
import { parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsHeaderByteLength,
  type SafetensorsHeader,
} from '@tributary/protocol/safetensors';
import { assertInside, type FloatSource } from './float-source.js';
import { assertHeaderMatches } from './header-match.js';

export const FLOAT_BYTES = 4;

/**
 * Opens a safetensors file of float32 parameters as one flat vector, read straight into the caller's memory.
 *
 * @throws TributaryError SAFETENSORS_INVALID or UPDATE_WRONG_MANIFEST when the header is broken or is not the manifest's,
 *         UPDATE_WRONG_SIZE when the file does not end with its data.
 */
export async function openFloatFile(path: string, manifest: readonly ParameterEntry[]): Promise<FloatSource> {
  assertLittleEndian();
  const file = await open(path, 'r');
  try {
    const header = await readHeader(file);
    assertHeaderMatches(header, manifest);
    const { size } = await file.stat();
    const expectedBytes = header.headerBytes + header.dataBytes;
    if (size !== expectedBytes) throw new TributaryError('UPDATE_WRONG_SIZE', { sizeBytes: size, expectedBytes });
    return floatsOf(file, header.headerBytes, parameterCount(manifest));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Files hold little-endian numbers and are read straight into typed arrays. */
export function assertLittleEndian(): void {
  if (endianness() !== 'LE') throw new Error('weights can only be read on a little-endian machine');
}

async function readHeader(file: FileHandle): Promise<SafetensorsHeader> {
  const prefix = await readStart(file, LENGTH_PREFIX_BYTES);
  return decodeSafetensorsHeader(await readStart(file, safetensorsHeaderByteLength(prefix)));
}

async function readStart(file: FileHandle, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  return bytes.subarray(0, await fill(file, 0, bytes));
}

function floatsOf(file: FileHandle, dataStart: number, length: number): FloatSource {
  return {
    length,
    read: async (offset, out) => {
      assertInside(length, offset, out.length);
      const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      if ((await fill(file, dataStart + offset * FLOAT_BYTES, bytes)) < bytes.length) {
        throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'the file became shorter while it was read' });
      }
    },
    close: () => file.close(),
  };
}

/** Reads until `bytes` is full or the file ends; returns how many bytes were read. */
async function fill(file: FileHandle, position: number, bytes: Uint8Array): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
