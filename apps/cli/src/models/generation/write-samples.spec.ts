import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { recipeSchema } from '@tributary/protocol/recipe';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { writeSamples, type WrittenSample } from './write-samples.js';

const SIZE_PX = 8;
const DEPTH_PX = 3;
const recipe = recipeSchema.parse({
  name: 'volumes',
  seed: 1,
  image: { sizePx: SIZE_PX, depthPx: DEPTH_PX, channels: 1 },
  classes: ['base'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false },
  network: { kind: 'unet3d', blockOutChannels: [8], attention: [false] },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3 },
  rounds: { count: 1, localSteps: 1, batchSize: 1, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'heun' },
});
/** From -1 to 1 and a little more: a network may overshoot. */
const VOLUME = Float32Array.from(
  { length: DEPTH_PX * SIZE_PX ** 2 },
  (_, i) => -1 + (2.2 * i) / (DEPTH_PX * SIZE_PX ** 2 - 1),
);

describe('a volume that was made', () => {
  let directory: string;
  let sample: WrittenSample | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'volumes-'));
    const plans = [{ seed: 9, className: 'base', siteId: null, classRow: 0 }];
    [sample] = await writeSamples(directory, { recipe, plans, images: [VOLUME], window: undefined });
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('is a NIfTI-1 file of its size, in millimetres, with columns to the left, rows to the back and slices to the top', async () => {
    const file = gunzipSync(await readFile(join(directory, sample?.volume ?? '')));
    // Offsets of nifti1.h: dim, datatype, bitpix, vox_offset, scl_slope, scl_inter, xyzt_units, sform_code, srow_x to srow_z.
    const numbers = (count: number, read: (index: number) => number): number[] =>
      Array.from({ length: count }, (_, i) => read(i));
    expect(file.readInt32LE(0)).toBe(348);
    expect(file.toString('latin1', 344, 348)).toBe('n+1\0');
    expect(numbers(4, (i) => file.readInt16LE(40 + 2 * i))).toEqual([3, SIZE_PX, SIZE_PX, DEPTH_PX]);
    expect([file.readInt16LE(70), file.readInt16LE(72)]).toEqual([512, 16]);
    expect([file.readFloatLE(112), file.readFloatLE(116), file.readUInt8(123) & 7]).toEqual([1, 0, 2]);
    expect(file.readInt16LE(254)).toBeGreaterThan(0);
    expect(numbers(12, (i) => file.readFloatLE(280 + 4 * i))).toEqual([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0]);
  });

  it('has a value for each voxel, slice after slice: 0 is -1 and 65,535 is 1', async () => {
    const file = gunzipSync(await readFile(join(directory, sample?.volume ?? '')));
    const start = file.readFloatLE(108);
    expect(file.length).toBe(start + 2 * VOLUME.length);
    VOLUME.forEach((value, i) => {
      const stored = file.readUInt16LE(start + 2 * i);
      expect(Math.abs((2 * stored) / 65_535 - 1 - Math.min(1, value))).toBeLessThan(2e-5);
    });
  });

  it('is also a picture of its slices and a member of the array', async () => {
    expect(sample?.file).toBe('00000-seed-9.png');
    const npz = await readFile(join(directory, 'samples.npz'));
    expect(npz.toString('latin1')).toContain(`(1, ${DEPTH_PX}, ${SIZE_PX}, ${SIZE_PX}, 1)`);
  });
});

describe('a folder of images that an earlier call made', () => {
  const volume = (seed: number) => ({ seed, className: 'base', siteId: null, classRow: 0 });
  const files = [
    '00000-seed-4.nii.gz',
    '00000-seed-4.png',
    'grid.png',
    'notes.txt',
    'samples.json',
    'samples.npz',
  ] as const;

  it('holds the images of the last call only, and what else somebody put there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'samples-'));
    const window = { low: 0, high: 1000 };
    await writeSamples(directory, { recipe, plans: [volume(1), volume(2)], images: [VOLUME, VOLUME], window });
    await writeFile(join(directory, 'notes.txt'), 'mine');
    await writeSamples(directory, { recipe, plans: [volume(4)], images: [VOLUME], window: undefined });
    expect((await readdir(directory)).sort()).toEqual(files);
    await rm(directory, { recursive: true });
  });

  it('removes nothing that a list names which is not its own', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'samples-'));
    await writeFile(join(directory, 'kept.png'), 'mine');
    await writeFile(join(directory, 'samples.json'), JSON.stringify([{ file: 'kept.png' }, { file: '../kept.png' }]));
    await writeSamples(directory, { recipe, plans: [volume(4)], images: [VOLUME], window: undefined });
    expect(await readdir(directory)).toContain('kept.png');
    await rm(directory, { recursive: true });
  });
});
