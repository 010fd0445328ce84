import { TributaryError } from './errors.js';

/** Bytes of one element, by safetensors type name. Only these types are read or written. */
export const DTYPE_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 } as const;

export type SafetensorsDType = keyof typeof DTYPE_BYTES;

/** What a tensor is called and looks like; where it lies follows from its place in the list. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

/** A tensor and its bytes `[begin, end)`, counted from the start of the data (not of the file). */
export interface TensorLocation extends TensorEntry {
  readonly begin: number;
  readonly end: number;
}

export type SafetensorsFault =
  | 'truncated'
  | 'header-too-long'
  | 'not-json'
  | 'duplicate-key'
  | 'bad-entry'
  | 'unknown-dtype'
  | 'bad-offsets'
  | 'gap'
  | 'overlap'
  | 'not-sorted';

/**
 * SAFETENSORS_INVALID with the broken rule as `context.fault`.
 *
 * @param detail What is wrong, by position: never a name or other content of the file.
 */
export function safetensorsError(fault: SafetensorsFault, detail: string): TributaryError {
  return new TributaryError('SAFETENSORS_INVALID', { fault, detail });
}

/**
 * Bytes of one tensor's data: product of the shape (1 for a scalar) times the size of an element.
 *
 * @throws RangeError when a dimension is not a non-negative integer or the product exceeds 2^53 - 1.
 */
export function tensorByteLength(entry: Pick<TensorEntry, 'dtype' | 'shape'>): number {
  let bytes: number = DTYPE_BYTES[entry.dtype];
  for (const dimension of entry.shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) throw new RangeError('a dimension must be an integer >= 0');
    bytes *= dimension;
    if (!Number.isSafeInteger(bytes)) throw new RangeError('a tensor must be smaller than 2^53 bytes');
  }
  return bytes;
}

/** Offsets of tensors that lie one after the other in the given order. */
export function locateTensors(entries: readonly TensorEntry[]): TensorLocation[] {
  let begin = 0;
  return entries.map((entry) => {
    const end = begin + tensorByteLength(entry);
    const location = { ...entry, begin, end };
    begin = end;
    return location;
  });
}

/** Whether a header's `dtype` is one that this library reads. */
export function isKnownDType(dtype: string): dtype is SafetensorsDType {
  return Object.hasOwn(DTYPE_BYTES, dtype);
}
