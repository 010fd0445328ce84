import { encodeSafetensorsHeader, type TensorEntry } from '@tributary/protocol/safetensors';
import type { ByteSource } from '../vectors/byte-source.js';
import { assertInside, type FloatSource } from '../vectors/float-source.js';
import { openTensorFile } from '../vectors/tensor-file.js';
import { blocksOf, encodedVectorBytes, type WindowCodec } from './window-codec.js';

/** The tensors of a file that holds a compressed vector of `length` numbers: one, of bytes, named after the code. */
export function compressedEntries(codec: WindowCodec, length: number): TensorEntry[] {
  return [{ name: codec.name, dtype: 'U8', shape: [encodedVectorBytes(codec, length)] }];
}

/** What stands before the code in such a file. */
export function compressedHeader(codec: WindowCodec, length: number): Uint8Array {
  return encodeSafetensorsHeader(compressedEntries(codec, length));
}

/**
 * Reads a compressed vector; windows are decoded as they are read.
 *
 * @throws What `openTensorFile` throws; reads also throw what the codec's `decode` throws.
 */
export async function openCompressedFile(stored: ByteSource, codec: WindowCodec, length: number): Promise<FloatSource> {
  const file = await openTensorFile(stored, compressedEntries(codec, length));
  const { blockLength } = codec;
  const blockBytes = codec.encodedBytes(blockLength);
  return {
    length,
    read: async (offset, out) => {
      assertInside(length, offset, out.length);
      const firstBlock = Math.floor(offset / blockLength);
      const begin = firstBlock * blockLength;
      const end = Math.min(length, Math.ceil((offset + out.length) / blockLength) * blockLength);
      const codes = new Uint8Array(encodedVectorBytes(codec, end - begin));
      await file.read(firstBlock * blockBytes, codes);
      const values = new Float32Array(end - begin);
      for (const { block, code } of blocksOf(codec, values, codes)) codec.decode(code, block);
      out.set(values.subarray(offset - begin, offset - begin + out.length));
    },
    close: () => file.close(),
  };
}
