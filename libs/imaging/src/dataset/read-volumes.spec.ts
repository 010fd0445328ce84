import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { writeNifti } from '../nifti/nifti-writer.js';
import { readImageFolder } from './read-image-folder.js';

const SIZE = 8;

/** A series whose slice `k` (counted from 0) is `1000 k`, but for one voxel of 20,000 in the first slice. */
function series(slices: number): Buffer {
  const values = Uint16Array.from({ length: slices * SIZE ** 2 }, (_, i) => 1000 * Math.floor(i / SIZE ** 2));
  values[0] = 20_000;
  const affine = [
    [-1, 0, 0, 0],
    [0, -1, 0, 0],
    [0, 0, 1, 0],
  ] as const;
  return writeNifti({ size: [SIZE, SIZE, slices], spacingMm: [1, 1, 1], affine, values, description: '' });
}

describe('a folder of volumes', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'volumes-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function write(patient: string, slices: number): Promise<void> {
    await mkdir(join(directory, patient));
    await writeFile(join(directory, patient, 'scan.nii.gz'), series(slices));
  }
  const read = (depthPx: number, classes = ['brain', 'lesion']) =>
    readImageFolder({
      directory,
      imageSizePx: SIZE,
      depthPx,
      channels: 1,
      intensity: { method: 'window', low: 0, high: 20_000 },
      classes,
      onBadFile: 'skip',
    });

  it('is read a series a volume, its slices in order and averaged to the depth', async () => {
    await write('a', 8);
    await write('b', 12);
    await writeFile(join(directory, 'labels.csv'), 'patient,slice,class\na,*,lesion\nb,*,brain\n');
    const dataset = await read(4);
    expect({ count: dataset.count, patients: dataset.patients }).toEqual({ count: 2, patients: 2 });
    expect([...dataset.classIndex]).toEqual([1, 0]);
    const sliceMeans = (volume: number): number[] =>
      Array.from({ length: 4 }, (_, slice) => dataset.images[(volume * 4 + slice) * SIZE ** 2 + SIZE] ?? NaN);
    // Means of slices (0, 1), (2, 3) … and (0, 1, 2), (3, 4, 5) …, on the scale of the window.
    const scaled = (values: number[]): number[] => values.map((value) => (2 * value) / 20 - 1);
    sliceMeans(0).forEach((mean, k) => expect(mean).toBeCloseTo(scaled([0.5, 2.5, 4.5, 6.5])[k] ?? NaN, 5));
    sliceMeans(1).forEach((mean, k) => expect(mean).toBeCloseTo(scaled([1, 4, 7, 10])[k] ?? NaN, 5));
  });

  it('leaves out series of one slice and volumes of several classes, and counts them', async () => {
    await write('a', 8);
    await write('b', 1);
    await write('c', 6);
    const rows = ['patient,slice,class', 'a,*,lesion', 'b,*,brain', 'c,1,brain', 'c,2,lesion'];
    await writeFile(join(directory, 'labels.csv'), `${rows.join('\n')}\n`);
    const dataset = await read(4);
    expect(dataset.count).toBe(1);
    expect(dataset.problems).toEqual([
      { kind: 'single-slice', count: 1 },
      { kind: 'mixed-classes', count: 1 },
    ]);
  });

  it('counts the same volume under two patients once', async () => {
    await write('a', 8);
    await write('b', 8);
    const dataset = await read(4, ['brain']);
    expect(dataset.count).toBe(1);
    expect(dataset.problems).toEqual([{ kind: 'duplicate', count: 1 }]);
  });
});
