import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readImageFolder } from '../dataset/read-image-folder.js';
import { withFolder } from '../folder/temporary-folder.spec-support.js';
import { scopeRandom, type RandomSource } from '../random-source.js';
import { acquireSlice } from './acquisition.js';
import { loadAtlas, type BrainAtlas } from './atlas.js';
import { PHANTOM_CLASSES, PHANTOM_SLABS } from './classes.js';
import { createPhantomPatient } from './patient.js';
import { PHANTOM_SCANNERS } from './scanners.js';
import type { PhantomSite } from './phantom-site.js';
import { writePhantomSite, type WritePhantomSiteOptions } from './site.js';

// Warping heads takes its time on a busy machine.
jest.setTimeout(60_000);

let atlas: BrainAtlas;
beforeAll(async () => {
  atlas = await loadAtlas();
});

const random: RandomSource = (...path) => randomStream(11, ...path);
const site: PhantomSite = { name: 'north', scanner: 'T1w', format: 'dicom', lesionRate: 0 };
const options = (directory: string, more: Partial<WritePhantomSiteOptions> = {}): WritePhantomSiteOptions => ({
  directory,
  site,
  patients: 2,
  imageSizePx: 32,
  atlas,
  random,
  ...more,
});

async function folderHash(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const path of names.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(path.slice(directory.length)).update(await readFile(path));
  }
  return hash.digest('hex');
}

describe('writePhantomSite', () => {
  it.each(['dicom', 'nifti'] as const)('writes %s that reads back as what the scanner saw, upright', (format) =>
    withFolder({}, async (directory) => {
      const summary = await writePhantomSite(options(directory, { site: { ...site, format } }));
      expect(summary).toMatchObject({
        patients: 2,
        images: 8,
        classes: { base: 2, ganglia: 2, ventricles: 2, vertex: 2 },
      });
      const dataset = await readImageFolder({
        directory,
        imageSizePx: 32,
        channels: 1,
        intensity: { method: 'window', low: 0, high: 2000 },
        classes: PHANTOM_CLASSES,
        onBadFile: 'refuse',
      });
      expect(dataset).toMatchObject({ count: 8, patients: 2, problems: [] });
      expect([...dataset.classIndex]).toEqual([0, 2, 4, 6, 0, 2, 4, 6]);
      const patient = createPhantomPatient(atlas, scopeRandom(random, 'patient', 'north', 2));
      const seen = acquireSlice(patient, PHANTOM_SCANNERS.T1w, PHANTOM_SLABS[1], { sizePx: 32 });
      const read = dataset.images.subarray(5 * 1024, 6 * 1024);
      // Stored in steps of 1/2000.
      seen.forEach((value, pixel) => expect(((read[pixel] ?? NaN) + 1) / 2).toBeCloseTo(Math.min(1, value), 3));
    }),
  );

  it('writes the same bytes for the same stream, and others for another', () =>
    withFolder({}, async (directory) => {
      const folders = ['one', 'two', 'three'].map((name) => join(directory, name));
      const [one = '', two = '', three = ''] = folders;
      await writePhantomSite(options(one));
      await writePhantomSite(options(two));
      await writePhantomSite(options(three, { random: (...path) => randomStream(12, ...path) }));
      expect(await folderHash(two)).toBe(await folderHash(one));
      expect(await folderHash(three)).not.toBe(await folderHash(one));
    }));

  it('makes exactly the asked share of slices lesions', () =>
    withFolder({}, async (directory) => {
      const { classes } = await writePhantomSite(
        options(directory, { patients: 5, site: { ...site, lesionRate: 0.4, format: 'nifti' } }),
      );
      const lesions = Object.entries(classes).filter(([name]) => name.endsWith('-lesion'));
      expect(lesions.reduce((sum, [, count]) => sum + count, 0)).toBe(8);
    }));

  it('tells how far it is, and stops when asked to', () =>
    withFolder({}, async (directory) => {
      const stop = new AbortController();
      const done: number[] = [];
      const writing = writePhantomSite(
        options(directory, {
          signal: stop.signal,
          onProgress: (progress) => {
            done.push(progress.done);
            if (progress.done === 1) stop.abort();
          },
        }),
      );
      await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
      expect(done).toEqual([1]);
    }));

  it('refuses impossible sites', async () => {
    await expect(writePhantomSite(options('unused', { patients: 0 }))).rejects.toThrow(RangeError);
    await expect(writePhantomSite(options('unused', { site: { ...site, lesionRate: 1.5 } }))).rejects.toThrow(
      RangeError,
    );
  });
});
