import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol/errors';
import fc from 'fast-check';
import { floatFileBytes } from '../vectors/vector-files.spec-support.js';
import { UpdateVerifier, type VerifiedUpdate } from './update-verifier.js';

const manifest = [
  { name: 'a', shape: [3] },
  { name: 'b', shape: [2, 2] },
];
const values = [3, 4, 0, 0, 12, 0, -84];

function verify(bytes: Uint8Array, chunkSizes: readonly number[] = [bytes.length], announced = bytes): VerifiedUpdate {
  const verifier = new UpdateVerifier({
    sizeBytes: announced.length,
    sha256: createHash('sha256').update(announced).digest('hex'),
    manifest,
  });
  let begin = 0;
  for (let chunk = 0; begin < bytes.length; chunk++) {
    const end = Math.min(bytes.length, begin + (chunkSizes[chunk % chunkSizes.length] ?? bytes.length));
    verifier.push(bytes.subarray(begin, end));
    begin = end;
  }
  return verifier.finish();
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof TributaryError ? error.code : String(error);
  }
}

describe('UpdateVerifier', () => {
  it('accepts an update and measures its norm, however it is cut into chunks', () => {
    const bytes = floatFileBytes(manifest, values);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (chunkSizes) => {
        // 3^2 + 4^2 + 12^2 + 84^2 = 85^2.
        expect(verify(bytes, chunkSizes).norm).toBe(85);
      }),
    );
  });

  it.each([1, 2, 3])('accepts chunks of a socket, which start %d bytes behind an aligned address', (shift) => {
    const bytes = floatFileBytes(manifest, values);
    const shifted = Buffer.alloc(bytes.length + shift).subarray(shift);
    shifted.set(bytes);
    expect(verify(shifted, [bytes.length], bytes).norm).toBe(85);
  });

  it('refuses NaN and infinity anywhere, however they are cut into chunks', () => {
    const anywhere = fc.record({
      position: fc.integer({ min: 0, max: 6 }),
      bad: fc.constantFrom(NaN, Infinity, -Infinity),
      chunkSize: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(anywhere, ({ position, bad, chunkSize }) => {
        const bytes = floatFileBytes(manifest, values.with(position, bad));
        expect(codeOf(() => verify(bytes, [chunkSize]))).toBe('UPDATE_NOT_FINITE');
      }),
    );
  });

  it('refuses an upload that never ends as soon as it is longer than announced', () => {
    const bytes = floatFileBytes(manifest, values);
    const verifier = new UpdateVerifier({ sizeBytes: bytes.length, sha256: '', manifest });
    verifier.push(bytes);
    expect(codeOf(() => verifier.push(Uint8Array.of(0)))).toBe('UPDATE_WRONG_SIZE');
  });

  it('refuses an update that stops early, in the header or in the numbers', () => {
    const bytes = floatFileBytes(manifest, values);
    for (const length of [0, 7, 20, bytes.length - 4]) {
      expect(codeOf(() => verify(bytes.subarray(0, length), [11], bytes))).toBe('UPDATE_WRONG_SIZE');
    }
  });

  it('refuses an announced size that header and numbers do not add up to', () => {
    const bytes = Buffer.concat([floatFileBytes(manifest, values), Buffer.alloc(4)]);
    expect(codeOf(() => verify(bytes))).toBe('UPDATE_WRONG_SIZE');
  });

  it('refuses bytes that changed on the way', () => {
    const bytes = floatFileBytes(manifest, values);
    const changed = floatFileBytes(manifest, values.with(0, 3.5));
    expect(codeOf(() => verify(changed, [16], bytes))).toBe('UPDATE_WRONG_HASH');
  });

  it.each([
    ['another name', [manifest[0], { name: 'c', shape: [2, 2] }]],
    ['another shape of as many numbers', [manifest[0], { name: 'b', shape: [4] }]],
    ['a parameter too few', [{ name: 'a', shape: [7] }]],
    ['a parameter too many', [...manifest, { name: 'c', shape: [1] }]],
  ])('refuses an update with %s', (_, entries) => {
    const other = entries.flatMap((entry) => entry ?? []);
    const bytes = floatFileBytes(other, values.concat(other.length > 2 ? [1] : []));
    expect(codeOf(() => verify(bytes))).toBe('UPDATE_WRONG_MANIFEST');
  });

  it('refuses half-precision numbers under the right names', () => {
    const bytes = floatFileBytes(manifest, values);
    const text = bytes.toString('latin1').replaceAll('F32', 'I32');
    expect(codeOf(() => verify(Buffer.from(text, 'latin1')))).toBe('UPDATE_WRONG_MANIFEST');
  });

  it('takes time that is linear in the header, however small the chunks of a long one are', () => {
    const noise = Buffer.alloc(4_000_000, 0x20);
    noise.writeBigUInt64LE(3_999_000n);
    const begin = performance.now();
    expect(codeOf(() => verify(noise, [64]))).toBe('SAFETENSORS_INVALID');
    // 62,500 chunks: milliseconds when linear, minutes when every chunk copies the header so far.
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it('refuses what is no safetensors file, before its numbers arrive', () => {
    const noise = Buffer.from('GIF89a, and then something quite different');
    expect(codeOf(() => verify(noise))).toBe('SAFETENSORS_INVALID');
  });
});
