import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readParameterFile, writeParameterFile } from './parameter-file.js';

const RUNS = 60;
const LENGTH_BYTES = 8;

const manifests = fc
  .uniqueArray(
    fc.record({ name: fc.string({ minLength: 1, maxLength: 12 }), shape: fc.array(fc.nat(4), { maxLength: 4 }) }),
    {
      selector: ({ name }) => name,
      minLength: 1,
      maxLength: 6,
    },
  )
  .filter((list) => list.every(({ name }) => name !== '__metadata__' && name.isWellFormed()))
  .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)));

const sizeOf = (shape: readonly number[]) => shape.reduce((all, size) => all * size, 1);

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A file with this header and this many bytes of data. */
function fileOf(json: string, dataBytes: number): Buffer {
  const prefix = Buffer.alloc(LENGTH_BYTES);
  prefix.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  return Buffer.concat([prefix, Buffer.from(json), Buffer.alloc(dataBytes)]);
}

/** Two vectors of `a` and `b` numbers, as the format wants them. */
const vectors = (a: number, b: number): Record<string, Entry> => ({
  a: { dtype: 'F32', shape: [a], data_offsets: [0, 4 * a] },
  b: { dtype: 'F32', shape: [b], data_offsets: [4 * a, 4 * (a + b)] },
});

const sizes = fc.integer({ min: 1, max: 50 });

describe('the format of parameter files', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parameter-format-'));
    file = path.join(folder, 'model.safetensors');
  });

  afterAll(() => rm(folder, { recursive: true }));

  async function expectFault(content: Buffer, fault: string): Promise<void> {
    await writeFile(file, content);
    await expect(readParameterFile(file)).rejects.toMatchObject({ code: 'SAFETENSORS_INVALID', context: { fault } });
  }

  it('gives back any manifest and any bits, data aligned to eight bytes', async () => {
    await fc.assert(
      fc.asyncProperty(manifests, fc.infiniteStream(fc.integer()), async (manifest, bits) => {
        const count = manifest.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
        const flat = new Float32Array(Int32Array.from({ length: count }, () => bits.next().value as number).buffer);
        await writeParameterFile(file, { manifest, flat });
        const read = await readParameterFile(file);
        expect(read.manifest).toEqual(manifest);
        expect(Buffer.from(read.flat.buffer).equals(Buffer.from(flat.buffer))).toBe(true);
        expect((await readFile(file)).readBigUInt64LE(0) % 8n).toBe(0n);
      }),
      { numRuns: RUNS, seed: 9 },
    );
  });

  it('is refused when it is cut at any byte, or longer by any number of bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), sizes, async (share, extra) => {
        const whole = fileOf(JSON.stringify(vectors(3, 2)), 20);
        await expectFault(whole.subarray(0, Math.floor(share * whole.length)), 'truncated');
        await expectFault(Buffer.concat([whole, Buffer.alloc(extra)]), 'bad-offsets');
      }),
      { numRuns: RUNS, seed: 9 },
    );
  });

  it('is refused with a gap or an overlap between tensors', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, sizes, async (a, b, shift) => {
        const header = vectors(a, b);
        const moved = (by: number): Record<string, Entry> => ({
          ...header,
          b: { dtype: 'F32', shape: [b], data_offsets: [4 * a + by, 4 * (a + b) + by] },
        });
        await expectFault(fileOf(JSON.stringify(moved(shift)), 4 * (a + b) + shift), 'gap');
        await expectFault(fileOf(JSON.stringify(moved(-Math.min(shift, 4 * a))), 4 * (a + b)), 'overlap');
      }),
      { numRuns: RUNS, seed: 9 },
    );
  });

  it('is refused when bytes do not fit a shape, a type is unknown, a key appears twice, or the header is not JSON', async () => {
    const header = vectors(2, 1);
    const changed = (entry: Partial<Entry>) => JSON.stringify({ ...header, b: { ...header['b'], ...entry } });
    await expectFault(fileOf(changed({ shape: [2] }), 12), 'bad-offsets');
    await expectFault(fileOf(changed({ dtype: 'F31' }), 12), 'unknown-dtype');
    await expectFault(fileOf(changed({ dtype: 'F16', shape: [2] }), 12), 'unknown-dtype');
    await expectFault(
      fileOf(`{"a":${JSON.stringify(header['a'])},"a":${JSON.stringify(header['b'])}}`, 12),
      'duplicate-key',
    );
    await expectFault(fileOf('{"a":', 12), 'not-json');
    await expectFault(fileOf('[]', 0), 'not-json');
  });

  it('is refused when the header says that it is longer than any header is', async () => {
    const prefix = Buffer.alloc(LENGTH_BYTES);
    prefix.writeBigUInt64LE(2n ** 63n);
    await expectFault(prefix, 'header-too-long');
  });
});
