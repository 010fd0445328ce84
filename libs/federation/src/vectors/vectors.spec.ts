import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { FloatFileSink } from './float-file-sink.js';
import { openFileBytes } from './byte-source.js';
import { openFloatFile } from './float-file.js';
import { partialSource } from './partial-source.js';
import { floatFileBytes, VectorFolder } from './vector-files.spec-support.js';
import { updateManifest } from './vector-names.js';

const folder = new VectorFolder();
afterAll(() => folder.remove());

const manifest = [
  { name: 'a', shape: [2] },
  { name: 'b', shape: [3] },
];

describe('openFloatFile', () => {
  it('reads any window of the flat vector', async () => {
    const source = await openFloatFile(await openFileBytes(folder.write('v', manifest, [1, 2, 3, 4, 5])), manifest);
    const window = new Float32Array(3);
    await source.read(1, window);
    expect([...window]).toEqual([2, 3, 4]);
    await expect(source.read(3, window)).rejects.toThrow(RangeError);
    await expect(source.read(-1, window)).rejects.toThrow(RangeError);
    await source.close();
  });

  it.each([
    ['is cut off', floatFileBytes(manifest, [1, 2, 3, 4]), 'UPDATE_WRONG_SIZE'],
    [
      'has bytes after its data',
      Buffer.concat([floatFileBytes(manifest, [1, 2, 3, 4, 5]), Buffer.alloc(1)]),
      'UPDATE_WRONG_SIZE',
    ],
    ['is of another manifest', floatFileBytes([{ name: 'a', shape: [5] }], [1, 2, 3, 4, 5]), 'UPDATE_WRONG_MANIFEST'],
    ['is no safetensors file', Buffer.from('no'), 'SAFETENSORS_INVALID'],
  ])('refuses a file that %s', async (_, bytes, code) => {
    writeFileSync(folder.file('broken'), bytes);
    await expect(openFloatFile(await openFileBytes(folder.file('broken')), manifest)).rejects.toMatchObject({ code });
  });

  it('refuses to go on when the file shrinks while it is read', async () => {
    const path = folder.write('shrinking', manifest, [1, 2, 3, 4, 5]);
    const source = await openFloatFile(await openFileBytes(path), manifest);
    truncateSync(path, readFileSync(path).length - 4);
    await expect(source.read(2, new Float32Array(3))).rejects.toMatchObject({ code: 'UPDATE_WRONG_SIZE' });
    await source.close();
  });
});

describe('FloatFileSink', () => {
  it('shows nothing under its name until it is committed', async () => {
    const sink = await FloatFileSink.create(folder.file('out'), manifest);
    await sink.write(Float32Array.of(1, 2, 3));
    expect(readdirSync(folder.path)).not.toContain('out');
    await sink.write(Float32Array.of(4, 5));
    await sink.commit();
    expect(readFileSync(folder.file('out'))).toEqual(floatFileBytes(manifest, [1, 2, 3, 4, 5]));
    await sink.discard();
    expect(readdirSync(folder.path).filter((name) => name.startsWith('out'))).toEqual(['out']);
  });

  it('replaces an earlier file as a whole', async () => {
    folder.write('old', manifest, [9, 9, 9, 9, 9]);
    const sink = await FloatFileSink.create(folder.file('old'), manifest);
    await sink.write(Float32Array.of(1, 2, 3, 4, 5));
    expect(folder.read('old')).toEqual([9, 9, 9, 9, 9]);
    await sink.commit();
    expect(folder.read('old')).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses too few and too many numbers and leaves nothing when discarded', async () => {
    const sink = await FloatFileSink.create(folder.file('short'), manifest);
    await sink.write(new Float32Array(4));
    await expect(sink.commit()).rejects.toThrow(RangeError);
    await expect(sink.write(new Float32Array(2))).rejects.toThrow(RangeError);
    await sink.discard();
    expect(readdirSync(folder.path).filter((name) => name.startsWith('short'))).toEqual([]);
  });
});

describe('FloatFileSink at a place that is taken', () => {
  it('leaves nothing beside a folder of that name', async () => {
    mkdirSync(folder.file('taken/inside'), { recursive: true });
    const sink = await FloatFileSink.create(folder.file('taken'), manifest);
    await sink.write(new Float32Array(5));
    await expect(sink.commit()).rejects.toThrow();
    await sink.discard();
    expect(readdirSync(folder.path).filter((name) => name.startsWith('taken'))).toEqual(['taken']);
  });
});

describe('partialSource', () => {
  it('reads zero where nothing is stored', async () => {
    const stored = await openFloatFile(await openFileBytes(folder.write('part', manifest, [1, 2, 3, 4, 5])), manifest);
    const ranges = [
      { begin: 1, end: 3 },
      { begin: 6, end: 9 },
    ];
    const source = partialSource(stored, ranges, 10);
    const window = new Float32Array(10).fill(NaN);
    await source.read(0, window);
    expect([...window]).toEqual([0, 1, 2, 0, 0, 0, 3, 4, 5, 0]);
    const inner = new Float32Array(5).fill(NaN);
    await source.read(2, inner);
    expect([...inner]).toEqual([2, 0, 0, 0, 3]);
    expect(() => partialSource(stored, [{ begin: 0, end: 4 }], 10)).toThrow(RangeError);
    await source.close();
  });
});

describe('updateManifest', () => {
  it('lays vectors one after the other under their names', () => {
    expect(updateManifest(manifest, ['update'])).toEqual(manifest);
    expect(updateManifest(manifest, ['control', 'update']).map(({ name }) => name)).toEqual([
      'control/a',
      'control/b',
      'update/a',
      'update/b',
    ]);
  });
});
