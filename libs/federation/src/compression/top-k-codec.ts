import { TributaryError } from '@tributary/protocol/errors';
import type { WindowCodec } from './window-codec.js';

const INDEX_BYTES = 2;
const VALUE_BYTES = 4;

/**
 * The k largest numbers of every block of 4,096 by magnitude, exactly, with their places; the rest is zero.
 * Of equal magnitudes the first is kept. Biased, so it needs error feedback. Stich, Cordonnier & Jaggi 2018, definition 2.1.
 *
 * @param fraction k / block length, in (0, 1]; at least one number is kept. Takes 1.5 * fraction of float32's bytes.
 */
export function topKCodec(fraction: number): WindowCodec {
  if (!(fraction > 0 && fraction <= 1)) throw new RangeError('the kept fraction must lie in (0, 1]');
  const kept = (length: number) => Math.max(1, Math.round(fraction * length));
  return {
    name: `top-${fraction}`,
    blockLength: 4096,
    encodedBytes: (length) => kept(length) * (INDEX_BYTES + VALUE_BYTES),
    encode: (block, out) => {
      const places = largest(block, kept(block.length));
      const view = new DataView(out.buffer, out.byteOffset);
      for (const [n, place] of places.entries()) {
        view.setUint16(n * INDEX_BYTES, place, true);
        view.setFloat32(places.length * INDEX_BYTES + n * VALUE_BYTES, block[place] ?? 0, true);
      }
    },
    decode: (bytes, block) => {
      const count = kept(block.length);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      block.fill(0);
      let previous = -1;
      for (let n = 0; n < count; n++) {
        const place = view.getUint16(n * INDEX_BYTES, true);
        if (place <= previous || place >= block.length) {
          throw new TributaryError('UPDATE_WRONG_MANIFEST', {
            detail: 'places in a sparse block must ascend inside it',
          });
        }
        block[place] = view.getFloat32(count * INDEX_BYTES + n * VALUE_BYTES, true);
        previous = place;
      }
    },
  };
}

/** Places of the `count` largest magnitudes, ascending. */
function largest(block: Float32Array, count: number): number[] {
  const magnitudes = block.map(Math.abs);
  const threshold = magnitudes.toSorted()[block.length - count] ?? 0;
  let equalAllowed = count - magnitudes.reduce((above, m) => above + (m > threshold ? 1 : 0), 0);
  const places: number[] = [];
  for (const [place, magnitude] of magnitudes.entries()) {
    if (magnitude > threshold || (magnitude === threshold && equalAllowed-- > 0)) places.push(place);
  }
  return places;
}
