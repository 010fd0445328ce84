/**
 * A lossy code for blocks of a vector. Every full block takes the same number of bytes, so any window of a compressed file
 * can be read without the ones before it.
 */
export interface WindowCodec {
  readonly name: string;
  /** Numbers coded together; the last block of a vector may be shorter. */
  readonly blockLength: number;
  /** Bytes of a block of `length` numbers. */
  encodedBytes(length: number): number;
  /**
   * Fills `out` with the code of `block`. Numbers must be finite.
   *
   * @param uniform Draws from [0, 1) for stochastic rounding.
   */
  encode(block: Float32Array, out: Uint8Array, uniform: () => number): void;
  /** Fills `block` from its code. @throws TributaryError UPDATE_WRONG_MANIFEST for bytes that no encoder writes. */
  decode(bytes: Uint8Array, block: Float32Array): void;
}

/** Bytes of the code of a whole vector. */
export function encodedVectorBytes(codec: WindowCodec, length: number): number {
  const blocks = Math.floor(length / codec.blockLength);
  const rest = length % codec.blockLength;
  return blocks * codec.encodedBytes(codec.blockLength) + (rest > 0 ? codec.encodedBytes(rest) : 0);
}

/** Code of a whole vector, block after block. */
export function encodeVector(codec: WindowCodec, values: Float32Array, uniform: () => number): Uint8Array {
  const bytes = new Uint8Array(encodedVectorBytes(codec, values.length));
  for (const { block, code } of blocksOf(codec, values, bytes)) codec.encode(block, code, uniform);
  return bytes;
}

/**
 * The vector that a code stands for.
 *
 * @throws RangeError when the code has another length than that of `length` numbers; what `decode` throws.
 */
export function decodeVector(codec: WindowCodec, bytes: Uint8Array, length: number): Float32Array {
  if (bytes.length !== encodedVectorBytes(codec, length)) throw new RangeError('the code has another length');
  const values = new Float32Array(length);
  for (const { block, code } of blocksOf(codec, values, bytes)) codec.decode(code, block);
  return values;
}

/** Pairs every block of a vector with its place in the code. */
export function* blocksOf(codec: WindowCodec, values: Float32Array, bytes: Uint8Array) {
  let codeBegin = 0;
  for (let begin = 0; begin < values.length; begin += codec.blockLength) {
    const block = values.subarray(begin, begin + codec.blockLength);
    const codeEnd = codeBegin + codec.encodedBytes(block.length);
    yield { block, code: bytes.subarray(codeBegin, codeEnd) };
    codeBegin = codeEnd;
  }
}
