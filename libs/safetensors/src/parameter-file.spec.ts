import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readParameterFile, writeParameterFile } from './parameter-file.js';

const MANIFEST = [
  { name: 'conv.bias', shape: [2] },
  { name: 'conv.weight', shape: [2, 1, 1, 3] },
  { name: 'scale', shape: [] },
];
const FLAT = Float32Array.of(1, -2, 0.5, 3, -0, 1e-30, 7, 8, Number.MAX_VALUE);

describe('parameter files', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'parameter-file-'));
    file = path.join(folder, 'model.safetensors');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('give back every number, name, shape and remark that was written', async () => {
    await writeParameterFile(file, { manifest: MANIFEST, flat: FLAT, metadata: { round: '3' } });
    const read = await readParameterFile(file);
    expect(read).toEqual({ manifest: MANIFEST, flat: FLAT, metadata: { round: '3' } });
  });

  it('are named by the hash and size of their bytes, and leave nothing else behind', async () => {
    const written = await writeParameterFile(file, { manifest: MANIFEST, flat: FLAT });
    const bytes = await readFile(file);
    expect(written).toEqual({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('are the same bytes when the numbers come piece after piece', async () => {
    async function* pieces(count = FLAT.length): AsyncGenerator<Float32Array> {
      for (let i = 0; i < count; i += 4) yield FLAT.subarray(i, Math.min(count, i + 4));
    }
    const whole = await writeParameterFile(file, { manifest: MANIFEST, flat: FLAT });
    expect(await writeParameterFile(file, { manifest: MANIFEST, flat: pieces() })).toEqual(whole);
    const bytes = await readFile(file);
    await expect(writeParameterFile(file, { manifest: MANIFEST, flat: pieces(8) })).rejects.toThrow(RangeError);
    expect(await readFile(file)).toEqual(bytes);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('hold the numbers as little-endian float32 after the header, as other tools expect', async () => {
    await writeParameterFile(file, { manifest: MANIFEST, flat: FLAT });
    const bytes = await readFile(file);
    const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
    expect(bytes.readFloatLE(dataStart + 4)).toBe(-2);
    expect(bytes.length).toBe(dataStart + 4 * FLAT.length);
  });

  it('are refused when a byte is missing or one too many is there', async () => {
    const { sizeBytes } = await writeParameterFile(file, { manifest: MANIFEST, flat: FLAT });
    await truncate(file, sizeBytes - 1);
    await expect(readParameterFile(file)).rejects.toMatchObject({
      code: 'SAFETENSORS_INVALID',
      context: { fault: 'truncated' },
    });
    await truncate(file, sizeBytes + 1);
    await expect(readParameterFile(file)).rejects.toMatchObject({ context: { fault: 'bad-offsets' } });
  });

  it('are refused when a tensor is not float32', async () => {
    const json = '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}'.padEnd(56);
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    await writeFile(file, Buffer.concat([prefix, Buffer.from(json), Buffer.alloc(4)]));
    await expect(readParameterFile(file)).rejects.toMatchObject({ context: { fault: 'unknown-dtype' } });
  });

  it('are not begun when the vector does not fit the manifest', async () => {
    await expect(writeParameterFile(file, { manifest: MANIFEST, flat: new Float32Array(3) })).rejects.toThrow(
      RangeError,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});
