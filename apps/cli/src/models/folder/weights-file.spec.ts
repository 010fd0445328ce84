import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { writeParameterFile } from '@tributary/safetensors';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWeightsFile, readFlatWeights, summariseWeights } from './weights-file.js';

const ENTRIES = [
  { name: 'a.bias', dtype: 'F32', shape: [2] },
  { name: 'b.weight', dtype: 'F32', shape: [1, 3] },
] as const;

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-file-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

function safetensors(values: readonly number[], metadata = {}): Uint8Array {
  return Buffer.concat([encodeSafetensorsHeader(ENTRIES, metadata), Buffer.from(Float32Array.from(values).buffer)]);
}

/** As another tool may write it: `b.weight` before `a.bias`. */
function otherOrder(): Uint8Array {
  const header = JSON.stringify({
    'b.weight': { dtype: 'F32', shape: [1, 3], data_offsets: [0, 12] },
    'a.bias': { dtype: 'F32', shape: [2], data_offsets: [12, 20] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.from(Float32Array.of(3, 4, 5, 1, 2).buffer)]);
}

describe('a file of weights', () => {
  it('gives the values in the order of the names and the hash of the plain file', async () => {
    const file = safetensors([1, 2, 3, 4, 5]);
    await writeFile(path, file);
    const weights = await readFlatWeights(path);
    expect([...weights.values]).toEqual([1, 2, 3, 4, 5]);
    expect(weights.sha256).toBe(createHash('sha256').update(file).digest('hex'));
    expect(await summariseWeights(path)).toEqual({ sha256: weights.sha256, manifest: weights.manifest });
  });

  it.each([
    ['with other metadata', safetensors([1, 2, 3, 4, 5], { format: 'pt' })],
    ['in another order', otherOrder()],
  ])('is known again %s', async (_, file) => {
    await writeFile(path, file);
    const plain = createHash('sha256')
      .update(safetensors([1, 2, 3, 4, 5]))
      .digest('hex');
    expect(await readFlatWeights(path)).toMatchObject({ sha256: plain, values: Float32Array.of(1, 2, 3, 4, 5) });
  });

  it('is read in pieces of four MiB at most', async () => {
    const flat = Float32Array.from({ length: 2 ** 20 + 5 }, (_, n) => n);
    const manifest = [
      { name: 'a', shape: [3] },
      { name: 'b', shape: [2 ** 20 + 2] },
    ];
    const written = await writeParameterFile(path, { manifest, flat });
    const file = await openWeightsFile(path);
    const lengths: number[] = [];
    for await (const piece of file.pieces()) lengths.push(piece.length);
    await file.close();
    expect(lengths).toEqual([3, 2 ** 20, 2]);
    const { values, sha256 } = await readFlatWeights(path);
    expect({ sha256, isSame: Buffer.from(values.buffer).equals(Buffer.from(flat.buffer)) }).toEqual({
      sha256: written.sha256,
      isSame: true,
    });
  });

  it('is refused when it is cut short', async () => {
    await writeFile(path, safetensors([1, 2, 3, 4, 5]).subarray(0, -4));
    await expect(readFlatWeights(path)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it.each([NaN, Infinity, -Infinity])('is refused with a weight that is %d, naming its tensor', async (wrong) => {
    await writeFile(path, safetensors([1, 2, 3, wrong, 5]));
    await expect(summariseWeights(path)).rejects.toThrow(/b\.weight .* not finite/);
  });
});
