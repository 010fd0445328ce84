/** A flat float32 vector that is read a window at a time. */
export interface FloatSource {
  /** Numbers in the vector. */
  readonly length: number;
  /**
   * Fills `out` with the numbers from `offset` on; leave `out` alone until then.
   *
   * @throws RangeError when the window reaches beyond the end.
   */
  read(offset: number, out: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** @throws RangeError when `count` numbers from `offset` on are not all inside a vector of `length`. */
export function assertInside(length: number, offset: number, count: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + count > length) {
    throw new RangeError(`a window of ${count} at ${offset} reaches beyond the vector's ${length} numbers`);
  }
}
