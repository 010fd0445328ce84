import { TributaryError } from '@tributary/protocol/errors';
import {
  decodeSafetensorsHeader,
  LENGTH_PREFIX_BYTES,
  safetensorsHeaderByteLength,
  type SafetensorsHeader,
  type TensorEntry,
} from '@tributary/protocol/safetensors';
import type { ByteSource } from './byte-source.js';
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
 * Reads stored bytes as a safetensors file that must hold exactly the expected tensors. Closes them when it does not.
 *
 * @throws TributaryError SAFETENSORS_INVALID or UPDATE_WRONG_MANIFEST when the header is broken or another one,
 *         UPDATE_WRONG_SIZE when the file does not end with its data.
 */
export async function openTensorFile(file: ByteSource, expected: readonly TensorEntry[]): Promise<TensorFile> {
  try {
    const header = await readHeader(file);
    assertHeaderMatches(header, expected);
    const { headerBytes, dataBytes } = header;
    const { sizeBytes } = file;
    if (sizeBytes !== headerBytes + dataBytes) {
      throw new TributaryError('UPDATE_WRONG_SIZE', { sizeBytes, expectedBytes: headerBytes + dataBytes });
    }
    return {
      dataBytes,
      read: async (position, bytes) => {
        if ((await file.read(headerBytes + position, bytes)) < bytes.length) {
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

async function readHeader(file: ByteSource): Promise<SafetensorsHeader> {
  const prefix = await readStart(file, LENGTH_PREFIX_BYTES);
  return decodeSafetensorsHeader(await readStart(file, safetensorsHeaderByteLength(prefix)));
}

async function readStart(file: ByteSource, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  return bytes.subarray(0, await file.read(0, bytes));
}
