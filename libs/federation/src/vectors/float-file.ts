import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { TributaryError } from '@tributary/protocol/errors';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { parameterCount } from '@tributary/protocol/manifest';
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
 * Opens a safetensors file of float32 parameters as one flat vector; reads are synchronous and copy nothing twice.
 *
 * @throws TributaryError SAFETENSORS_INVALID or UPDATE_WRONG_MANIFEST when the header is broken or is not the manifest's,
 *         UPDATE_WRONG_SIZE when the file does not end with its data.
 */
export function openFloatFile(path: string, manifest: readonly ParameterEntry[]): FloatSource {
  assertLittleEndian();
  const file = openSync(path, 'r');
  try {
    const header = readHeader(file);
    assertHeaderMatches(header, manifest);
    const sizeBytes = fstatSync(file).size;
    if (sizeBytes !== header.headerBytes + header.dataBytes) {
      throw new TributaryError('UPDATE_WRONG_SIZE', {
        sizeBytes,
        expectedBytes: header.headerBytes + header.dataBytes,
      });
    }
    return floatsOf(file, header.headerBytes, parameterCount(manifest));
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Files hold little-endian numbers and are read straight into typed arrays. */
export function assertLittleEndian(): void {
  if (endianness() !== 'LE') throw new Error('weights can only be read on a little-endian machine');
}

function readHeader(file: number): SafetensorsHeader {
  const prefix = readUpTo(file, 0, LENGTH_PREFIX_BYTES);
  return decodeSafetensorsHeader(readUpTo(file, 0, safetensorsHeaderByteLength(prefix)));
}

function readUpTo(file: number, position: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  return bytes.subarray(0, fill(file, position, bytes));
}

function floatsOf(file: number, dataStart: number, length: number): FloatSource {
  return {
    length,
    read: (offset, out) => {
      assertInside(length, offset, out.length);
      const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      if (fill(file, dataStart + offset * FLOAT_BYTES, bytes) < bytes.length) {
        throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'the file became shorter while it was read' });
      }
    },
    close: () => closeSync(file),
  };
}

/** Reads until `bytes` is full or the file ends; returns how many bytes were read. */
function fill(file: number, position: number, bytes: Uint8Array): number {
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(file, bytes, done, bytes.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
