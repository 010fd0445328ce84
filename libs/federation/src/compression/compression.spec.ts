import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Compression } from '@tributary/protocol/federation';
import fc from 'fast-check';
import { aggregateRound } from '../aggregation/aggregate-round.js';
import { VectorFolder } from '../vectors/vector-files.spec-support.js';
import { UpdateVerifier } from '../verification/update-verifier.js';
import { openFileBytes } from '../vectors/byte-source.js';
import { compressedHeader, openCompressedFile } from './compressed-file.js';
import { codecOf } from './codec-of.js';
import { compressWithFeedback } from './error-feedback.js';
import { fp16Codec } from './fp16-codec.js';
import { int8Codec } from './int8-codec.js';
import { topKCodec } from './top-k-codec.js';
import { decodeVector, encodedVectorBytes, encodeVector, type WindowCodec } from './window-codec.js';

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 });
const vector = fc.array(float32, { minLength: 1, maxLength: 600 }).map((values) => Float32Array.from(values));

/** A small generator of its own (Park & Miller 1988), so that no engine's generator is needed here. */
function parkMiller(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function roundTrip(codec: WindowCodec, values: Float32Array, uniform: () => number): Float32Array {
  return decodeVector(codec, encodeVector(codec, values, uniform), values.length);
}

/** Mean of the decoded number over draws that cover [0, 1) evenly: the expectation, without sampling noise. */
function expectation(codec: WindowCodec, values: Float32Array, index: number): number {
  const draws = Array.from({ length: 512 }, (_, j) => (j + 0.5) / 512);
  return draws.reduce((sum, u) => sum + (roundTrip(codec, values, () => u)[index] ?? NaN), 0) / draws.length;
}

describe.each([
  ['int8', int8Codec],
  ['fp16', fp16Codec],
  ['top-k', topKCodec(0.1)],
])('%s', (_, codec) => {
  it('takes exactly the bytes that it announces, whatever the length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (length) => {
        expect(encodeVector(codec, new Float32Array(length), () => 0)).toHaveLength(encodedVectorBytes(codec, length));
      }),
      { numRuns: 20 },
    );
  });

  it('keeps zeros', () => {
    expect(roundTrip(codec, new Float32Array(300), () => 0.999)).toEqual(new Float32Array(300));
  });

  it('with error feedback loses nothing: all that was sent plus the residual is all that was meant', () => {
    fc.assert(
      fc.property(
        fc.array(vector, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 1e9 }),
        (updates, seed) => {
          const length = Math.min(...updates.map((update) => update.length));
          const uniform = parkMiller(seed);
          const [meant, sent] = [new Float64Array(length), new Float64Array(length)];
          let residual: Float32Array = new Float32Array(length);
          for (const update of updates.map((whole) => whole.subarray(0, length))) {
            const compressed = compressWithFeedback(codec, { update, residual }, uniform);
            residual = compressed.residual;
            const decoded = decodeVector(codec, compressed.bytes, length);
            for (let i = 0; i < length; i++) {
              meant[i] = (meant[i] ?? 0) + (update[i] ?? 0);
              sent[i] = (sent[i] ?? 0) + (decoded[i] ?? 0);
            }
          }
          // Float32 rounding of the sums: numbers up to 6e4, 2^-24 of that a round.
          for (let i = 0; i < length; i++) {
            expect(Math.abs((sent[i] ?? 0) + (residual[i] ?? 0) - (meant[i] ?? 0))).toBeLessThan(0.05);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('int8', () => {
  it('is unbiased and off by less than one level, max / 127', () => {
    fc.assert(
      fc.property(vector, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (values, u) => {
        // Scales are float32 numbers, which lose digits below 2^-126.
        const block = values.subarray(0, 256).map((value) => (Math.abs(value) < 2 ** -100 ? 0 : value));
        const level = Math.max(...block.map(Math.abs)) / 127;
        const decoded = roundTrip(int8Codec, block, () => u);
        for (const [i, value] of decoded.entries()) {
          expect(Math.abs(value - (block[i] ?? NaN))).toBeLessThanOrEqual(level * 1.0001);
        }
        expect(Math.abs(expectation(int8Codec, block, 0) - (block[0] ?? NaN))).toBeLessThanOrEqual(level / 256);
      }),
      { numRuns: 30 },
    );
  });

  it('encodes [127, -127, 31.5, 0] at u = 0.5 as scale 1 and 127, -127, 32, 0', () => {
    const bytes = encodeVector(int8Codec, Float32Array.of(127, -127, 31.5, 0), () => 0.5);
    expect([...bytes]).toEqual([0, 0, 0x80, 0x3f, 127, 256 - 127, 32, 0]);
  });

  it('is 3.9 times smaller than float32', () => {
    expect((4 * 256_000) / encodedVectorBytes(int8Codec, 256_000)).toBeCloseTo(3.94, 2);
  });
});

describe('fp16', () => {
  it('leaves every finite half as it is, whatever is drawn', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    const values = decodeVector(fp16Codec, new Uint8Array(halves.buffer), halves.length);
    const again = encodeVector(fp16Codec, values, () => 0.9999);
    expect(Buffer.compare(again, new Uint8Array(halves.buffer))).toBe(0);
  });

  it('decodes the values of the standard', () => {
    // IEEE 754-2008, binary16: 1, -2, largest 65504, smallest normal 2^-14, smallest subnormal 2^-24.
    const codes = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001);
    expect([...decodeVector(fp16Codec, new Uint8Array(codes.buffer), 5)]).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24]);
  });

  it('goes to the upper neighbour with the probability of its distance: 1 + 0.25 * 2^-10', () => {
    const value = Float32Array.of(1 + 0.25 * 2 ** -10);
    expect(roundTrip(fp16Codec, value, () => 0.74)[0]).toBe(1);
    expect(roundTrip(fp16Codec, value, () => 0.76)[0]).toBe(1 + 2 ** -10);
    const subnormal = Float32Array.of(3.25 * 2 ** -24);
    expect(roundTrip(fp16Codec, subnormal, () => 0.74)[0]).toBe(3 * 2 ** -24);
    expect(roundTrip(fp16Codec, subnormal, () => 0.76)[0]).toBe(4 * 2 ** -24);
  });

  it('is unbiased up to the largest half, to which larger numbers are cut', () => {
    fc.assert(
      fc.property(float32, (value) => {
        const mean = expectation(fp16Codec, Float32Array.of(value), 0);
        const spacing = Math.max(2 ** -24, Math.abs(value) * 2 ** -10);
        expect(Math.abs(mean - value)).toBeLessThanOrEqual(spacing / 256);
      }),
    );
    expect(roundTrip(fp16Codec, Float32Array.of(1e30, -1e30), () => 0.9)).toEqual(Float32Array.of(65504, -65504));
  });
});

describe('top-k', () => {
  it('keeps the largest magnitudes exactly, the first of equal ones, and zero elsewhere', () => {
    const decoded = roundTrip(topKCodec(0.4), Float32Array.of(0.1, -7, 3, -3, 2), () => 0);
    expect([...decoded]).toEqual([0, -7, 3, 0, 0]);
  });

  it('is 13 times smaller than float32 at five per cent', () => {
    expect((4 * 409_600) / encodedVectorBytes(topKCodec(0.05), 409_600)).toBeCloseTo(13.3, 1);
  });

  it('refuses places that do not ascend or lie outside', () => {
    const codec = topKCodec(0.5);
    const bytes = encodeVector(codec, Float32Array.of(1, 2, 3, 4), () => 0);
    for (const places of [
      [3, 2],
      [2, 2],
      [2, 4],
    ]) {
      const broken = bytes.slice();
      for (const [n, place] of places.entries()) broken[2 * n] = place;
      expect(() => decodeVector(codec, broken, 4)).toThrow(expect.objectContaining({ code: 'UPDATE_WRONG_MANIFEST' }));
    }
  });

  it.each([0, -0.1, 1.1, NaN])('refuses to keep %p of the numbers', (fraction) => {
    expect(() => topKCodec(fraction)).toThrow(RangeError);
  });

  it('reaches the optimum with error feedback where it stalls without', () => {
    // Two sites that pull apart in the first coordinate, ten times harder than they agree in the second: top-1 of each
    // names the first coordinate for ever, where the pulls cancel (the example of Karimireddy et al. 2019, section 3).
    const centres = [Float32Array.of(10, 1), Float32Array.of(-10, 1)];
    const train = (feedback: boolean): number => {
      const codec = topKCodec(0.5);
      let weights: Float32Array = Float32Array.of(0, 0);
      const residuals: Float32Array[] = centres.map(() => new Float32Array(2));
      for (let step = 0; step < 400; step++) {
        const sent = centres.map((centre, site) => {
          const update = weights.map((x, i) => 0.05 * ((centre[i] ?? 0) - x));
          const residual = feedback ? (residuals[site] ?? new Float32Array(2)) : new Float32Array(2);
          const compressed = compressWithFeedback(codec, { update, residual }, () => 0);
          residuals[site] = compressed.residual;
          return decodeVector(codec, compressed.bytes, 2);
        });
        weights = weights.map((x, i) => x + ((sent[0]?.[i] ?? 0) + (sent[1]?.[i] ?? 0)) / 2);
      }
      return Math.abs((weights[1] ?? NaN) - 1);
    };
    expect(train(false)).toBe(1);
    expect(train(true)).toBeLessThan(0.2);
  });
});

describe('compressed files', () => {
  const folder = new VectorFolder();
  afterAll(() => folder.remove());
  const manifest = [{ name: 'w', shape: [10_000] }];
  const update = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i) * 2 ** -7);

  function write(compression: Compression): { path: string; bytes: Buffer; decoded: Float32Array } {
    const codec = codecOf(compression) ?? int8Codec;
    const code = encodeVector(codec, update, parkMiller(7));
    const bytes = Buffer.concat([compressedHeader(codec, update.length), code]);
    const path = folder.file(compression.kind);
    writeFileSync(path, bytes);
    return { path, bytes, decoded: decodeVector(codec, code, update.length) };
  }

  const compressions: Compression[] = [{ kind: 'int8' }, { kind: 'fp16' }, { kind: 'top-k', fraction: 0.05 }];

  it.each(compressions)('$kind gives any window that is asked for', async (compression) => {
    const { path, decoded } = write(compression);
    const source = await openCompressedFile(
      await openFileBytes(path),
      codecOf(compression) ?? int8Codec,
      update.length,
    );
    for (const [offset, length] of [
      [0, 10_000],
      [1, 1],
      [255, 2],
      [4095, 4098],
      [9_999, 1],
    ] as const) {
      const window = new Float32Array(length);
      await source.read(offset, window);
      expect(window).toEqual(decoded.slice(offset, offset + length));
    }
    await source.close();
  });

  it.each(compressions)('$kind is aggregated as the numbers that it stands for', async (compression) => {
    const { path, decoded } = write(compression);
    await aggregateRound({
      strategy: { kind: 'fedavg' },
      siteCount: 1,
      manifest,
      updates: [{ siteId: 's1', images: 1, path, compression }],
      globalPath: folder.write('global', manifest, new Float32Array(10_000)),
      out: { weightsPath: folder.file('next') },
      windowBytes: 40_000,
    });
    expect(Float32Array.from(folder.read('next'))).toEqual(decoded);
  });

  it.each(compressions)('$kind is verified while it streams, however it is cut into chunks', (compression) => {
    const { bytes, decoded } = write(compression);
    const norm = Math.sqrt(decoded.reduce((sum, value) => sum + value ** 2, 0));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const chunkBytes of [1, 257, 5000, bytes.length]) {
      const verifier = new UpdateVerifier({ sizeBytes: bytes.length, sha256, manifest, compression });
      for (let begin = 0; begin < bytes.length; begin += chunkBytes) {
        verifier.push(bytes.subarray(begin, begin + chunkBytes));
      }
      expect(verifier.finish().norm / norm).toBeCloseTo(1, 9);
    }
  });

  it('refuses a code whose scale is not finite, and plain numbers where a code was agreed', () => {
    const { bytes } = write({ kind: 'int8' });
    const broken = Buffer.from(bytes);
    broken.writeFloatLE(NaN, broken.length - encodedVectorBytes(int8Codec, 10_000));
    const verify = (file: Buffer, compression: Compression) => {
      const sha256 = createHash('sha256').update(file).digest('hex');
      const verifier = new UpdateVerifier({ sizeBytes: file.length, sha256, manifest, compression });
      verifier.push(file);
      verifier.finish();
    };
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    expect(() => verify(broken, { kind: 'int8' })).toThrow(code('UPDATE_NOT_FINITE'));
    expect(() => verify(bytes, { kind: 'fp16' })).toThrow(code('UPDATE_WRONG_MANIFEST'));
    expect(() => verify(bytes, { kind: 'none' })).toThrow(code('UPDATE_WRONG_MANIFEST'));
  });
});
