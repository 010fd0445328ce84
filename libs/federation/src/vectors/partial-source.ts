import { assertInside, type FloatSource } from './float-source.js';
import type { Range } from './range.js';

/**
 * A vector of which only some ranges are stored, one after the other; the rest reads as zero.
 *
 * @param stored Holds exactly the numbers of `held`.
 * @param held   Ascending and disjoint.
 * @param length Numbers of the whole vector.
 */
export function partialSource(stored: FloatSource, held: readonly Range[], length: number): FloatSource {
  let storedBegin = 0;
  const ranges = held.map(({ begin, end }) => {
    const range = { begin, end, storedBegin };
    storedBegin += end - begin;
    return range;
  });
  if (storedBegin !== stored.length) throw new RangeError('the stored numbers are not those of the ranges');
  return {
    length,
    read: async (offset, out) => {
      assertInside(length, offset, out.length);
      out.fill(0);
      for (const range of ranges) {
        const begin = Math.max(range.begin, offset);
        const end = Math.min(range.end, offset + out.length);
        if (begin >= end) continue;
        await stored.read(range.storedBegin + begin - range.begin, out.subarray(begin - offset, end - offset));
      }
    },
    close: () => stored.close(),
  };
}
