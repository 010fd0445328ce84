import { open, type FileHandle } from 'node:fs/promises';
import { TributaryError } from '@tributary/protocol/errors';
import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsHeaderByteLength,
  type SafetensorsHeader,
  type TensorEntry,
} from '@tributary/protocol/safetensors';
import { assertHeaderMatches } from './header-match.js';

/** The data of an open safetensors file. */
export interface TensorFile {
  readonly dataBytes: number;
  /**
   * Fills `bytes` from a position in the data; leave `bytes` alone until then.
   *
   * @throws TributaryError UPDATE_WRONG_SIZE when the file ends before.
   */
  read(position: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file that must hold exactly the expected tensors.
 *
 * @throws TributaryError SAFETENSORS_INVALID or UPDATE_WRONG_MANIFEST when the header is broken or another one,
 *         UPDATE_WRONG_SIZE when the file does not end with its data.
 */
export async function openTensorFile(path: string, expected: readonly TensorEntry[]): Promise<TensorFile> {
  const file = await open(path, 'r');
  try {
    const header = await readHeader(file);
    assertHeaderMatches(header, expected);
    const { headerBytes, dataBytes } = header;
    const { size: sizeBytes } = await file.stat();
    if (sizeBytes !== headerBytes + dataBytes) {
      throw new TributaryError('UPDATE_WRONG_SIZE', { sizeBytes, expectedBytes: headerBytes + dataBytes });
    }
    return {
      dataBytes,
      read: async (position, bytes) => {
        if ((await fill(file, headerBytes + position, bytes)) < bytes.length) {
          throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'the file ends before its data' });
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeader(file: FileHandle): Promise<SafetensorsHeader> {
  const prefix = await readStart(file, LENGTH_PREFIX_BYTES);
  return decodeSafetensorsHeader(await readStart(file, safetensorsHeaderByteLength(prefix)));
}

async function readStart(file: FileHandle, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  return bytes.subarray(0, await fill(file, 0, bytes));
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
