import { describe, expect, it, jest } from '@jest/globals';
import { TributaryError } from '@tributary/protocol/errors';
import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dicomFile, imageElements, PIXEL_DATA } from '../dicom/dicom-bytes.spec-support.js';
import { testPng, withFolder } from '../folder/temporary-folder.spec-support.js';
import { encodePng } from '../picture/png.js';
import { readImageFolder, type ReadImageFolderOptions } from './read-image-folder.js';

// Many small files take their time on a busy machine.
jest.setTimeout(60_000);

const options = (directory: string, more: Partial<ReadImageFolderOptions> = {}): ReadImageFolderOptions => ({
  directory,
  imageSizePx: 8,
  channels: 1,
  intensity: { method: 'percentile', low: 0, high: 100 },
  classes: ['plain', 'lesion'],
  onBadFile: 'skip',
  ...more,
});

const LABELS = 'patient,slice,class\nanna,1,plain\nanna,2,lesion\nbert,1,plain\n';
const GOOD = {
  'labels.csv': LABELS,
  'anna/1.png': testPng(1),
  'anna/2.png': testPng(2),
  'bert/1.png': testPng(3),
};

async function errorOf(action: Promise<unknown>): Promise<TributaryError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TributaryError) return error;
  throw new Error('no TributaryError was thrown', { cause: error });
}

/** A DICOM file of 2 × 2 pixels; the fixtures' patient is PATIENT-7. */
const dicom = (values: readonly number[]): Uint8Array =>
  dicomFile([...imageElements({ rows: 2, columns: 2 }), { tag: PIXEL_DATA, vr: 'OW', value: values }]);

describe('readImageFolder', () => {
  it('gives images between −1 and 1, with classes and patients as numbers', () =>
    withFolder(GOOD, async (directory) => {
      const dataset = await readImageFolder(options(directory));
      expect(dataset).toMatchObject({ count: 3, patients: 2, problems: [], imageSizePx: 8, channels: 1 });
      expect([...dataset.classIndex]).toEqual([0, 1, 0]);
      expect([...dataset.patientIndex]).toEqual([0, 0, 1]);
      expect(dataset.images).toHaveLength(3 * 64);
      // Each PNG is its own series and spans its window.
      expect(dataset.images.slice(0, 64).reduce((low, value) => Math.min(low, value), 9)).toBe(-1);
      expect(dataset.images.slice(0, 64).reduce((high, value) => Math.max(high, value), -9)).toBe(1);
      expect(JSON.stringify({ ...dataset, images: 0 })).not.toMatch(/anna|bert/);
    }));

  it('maps a fixed window and records it', () =>
    withFolder(
      { 'labels.csv': 'patient,slice,class\nPATIENT-7,3,plain\n', 'x.dcm': dicom([0, 100, 200, 300]) },
      async (directory) => {
        const recipe = { method: 'window', low: 0, high: 200 } as const;
        const dataset = await readImageFolder(options(directory, { imageSizePx: 2, intensity: recipe }));
        expect([...dataset.images]).toEqual([-1, 0, 1, 1]);
        expect(dataset.intensity).toEqual({ recipe, typicalWindow: { low: 0, high: 200 } });
      },
    ));

  it('shares one window among the images of a series', () => {
    const series = { tag: 0x0020000e, vr: 'UI', value: '1.2.3' };
    const slice = (number: string, values: readonly number[]): Uint8Array =>
      dicomFile([
        ...imageElements({ rows: 1, columns: 2 }).filter(({ tag }) => tag !== 0x00200013),
        { tag: 0x00200013, vr: 'IS', value: number },
        series,
        { tag: PIXEL_DATA, vr: 'OW', value: values },
      ]);
    const files = {
      'labels.csv': 'patient,slice,class\nPATIENT-7,*,plain\n',
      a: slice('1', [0, 100]),
      b: slice('2', [100, 400]),
    };
    return withFolder(files, async (directory) => {
      const dataset = await readImageFolder(options(directory, { imageSizePx: 2 }));
      // The lower row of each square is margin: 1 × 2 pixels fit into the upper one.
      expect([0, 1, 4, 5].map((at) => dataset.images[at])).toEqual([-1, -0.5, -0.5, 1]);
      expect([2, 3, 6, 7].map((at) => dataset.images[at])).toEqual([-1, -1, -1, -1]);
    });
  });

  it('counts what it skips by kind', () => {
    const bad = {
      'anna/empty.png': new Uint8Array(0),
      'anna/notes.txt': 'no image at all',
      'anna/cut.png': testPng(9).subarray(0, 60),
      'bert/photo.jpg': Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0]),
      'bert/cut.dcm': dicom([1, 2, 3, 4]).subarray(0, 300),
      'bert/report.dcm': dicomFile([{ tag: 0x00080060, vr: 'CS', value: 'SR' }]),
      'bert/5.png': testPng(11),
      'bert/again.png': testPng(3),
      'labels.csv': `${LABELS}bert,cut,plain\nanna,cut,plain\nbert,again,plain\nbert,99,plain\nbert,flat,plain\n`,
      'bert/flat.png': encodePng({ widthPx: 2, heightPx: 2, channels: 1, pixels: Uint8Array.of(5, 5, 5, 5) }),
      '.hidden': 'left out without a word',
    };
    return withFolder({ ...GOOD, ...bad }, async (directory) => {
      await symlink(directory, join(directory, 'anna', 'round'));
      await symlink(join(directory, 'nowhere'), join(directory, 'anna', 'gone'));
      const dataset = await readImageFolder(options(directory));
      expect(dataset.count).toBe(3);
      expect(Object.fromEntries(dataset.problems.map(({ kind, count }) => [kind, count]))).toEqual({
        'empty-file': 1,
        'broken-link': 2,
        'not-an-image': 1,
        'unsupported-format': 1,
        'no-pixels': 1,
        truncated: 2,
        blank: 1,
        duplicate: 1,
        unlabelled: 1,
        'label-without-image': 2,
      });
    });
  });

  it('refuses bad files when asked to, with counts and no name', () =>
    withFolder({ ...GOOD, 'bert/SECRET.txt': 'x', 'anna/SECRET.png': '' }, async (directory) => {
      const error = await errorOf(readImageFolder(options(directory, { onBadFile: 'refuse' })));
      expect(error.code).toBe('DATA_BAD_FILES');
      expect(error.message).toMatch(/1 empty-file, 1 not-an-image$/);
      expect(error.context['problems']).toEqual([
        { kind: 'empty-file', count: 1 },
        { kind: 'not-an-image', count: 1 },
      ]);
      expect(JSON.stringify([error.message, error.context])).not.toMatch(/SECRET|anna|bert/);
    }));

  it('does not refuse a folder for unlabelled and repeated images', () =>
    withFolder({ ...GOOD, 'bert/8.png': testPng(8), 'bert/1b/1.png': testPng(3) }, async (directory) => {
      const dataset = await readImageFolder(options(directory, { onBadFile: 'refuse' }));
      expect(dataset.problems).toEqual([
        { kind: 'duplicate', count: 1 },
        { kind: 'unlabelled', count: 1 },
      ]);
    }));

  it('does not open files above the limit', () =>
    withFolder({ ...GOOD, 'anna/huge.nii': new Uint8Array(2001) }, async (directory) => {
      const dataset = await readImageFolder(options(directory, { maxFileBytes: 2000 }));
      expect(dataset.problems).toContainEqual({ kind: 'too-large', count: 1 });
    }));

  it('knows a patient again in another folder', () => {
    const files = {
      'labels.csv': 'patient,slice,class\nPATIENT-7,*,plain\n',
      'monday/a.dcm': dicom([1, 2, 3, 4]),
      'friday/b.dcm': dicom([9, 2, 3, 4]),
    };
    return withFolder(files, async (directory) => {
      expect(await readImageFolder(options(directory))).toMatchObject({ count: 2, patients: 1 });
    });
  });

  it('gives the same data set whatever the files and folders are called', () =>
    withFolder(
      { 'labels.csv': LABELS, 'z/anna/1.png': testPng(1), 'a/anna/2.png': testPng(2), 'bert/1.png': testPng(3) },
      async (one) => {
        const first = await readImageFolder(options(one));
        await rename(join(one, 'z'), join(one, '0'));
        await rename(join(one, 'a'), join(one, 'y'));
        expect(await readImageFolder(options(one))).toEqual(first);
      },
    ));

  it('needs no labels when the study has one class', () =>
    withFolder({ 'p1/a.png': testPng(1), 'p2/a.png': testPng(2) }, async (directory) => {
      expect(await readImageFolder(options(directory, { classes: ['brain'] }))).toMatchObject({
        count: 2,
        patients: 2,
      });
      const error = await errorOf(readImageFolder(options(directory)));
      expect(error.code).toBe('DATA_LABELS_INVALID');
    }));

  it.each([
    ['an empty folder', { 'labels.csv': LABELS }, 'DATA_EMPTY'],
    ['a class of another study', { ...GOOD, 'labels.csv': `${LABELS}bert,2,cat\n` }, 'DATA_UNKNOWN_CLASS'],
    ['a broken table', { ...GOOD, 'labels.csv': 'patient;slice;class\n' }, 'DATA_LABELS_INVALID'],
  ])('refuses %s', (_, files, code) =>
    withFolder(files, async (directory) => {
      expect((await errorOf(readImageFolder(options(directory)))).code).toBe(code);
    }),
  );

  it('refuses a folder that is not there or is a file, without naming it', () =>
    withFolder({ SECRET: 'x' }, async (directory) => {
      for (const name of ['SECRET', 'missing-SECRET']) {
        const error = await errorOf(readImageFolder(options(join(directory, name))));
        expect(error.code).toBe('DATA_EMPTY');
        expect(error.message).not.toContain('SECRET');
      }
    }));

  it('turns colour into grey and grey into colour as the study asks', () => {
    const red = encodePng({ widthPx: 2, heightPx: 1, channels: 3, pixels: Uint8Array.of(255, 0, 0, 0, 0, 0) });
    const window = { method: 'window', low: 0, high: 255 } as const;
    return withFolder({ 'p/red.png': red }, async (directory) => {
      const more = { classes: ['x'], imageSizePx: 2, intensity: window };
      const grey = await readImageFolder(options(directory, more));
      expect(grey.images[0]).toBeCloseTo(2 * 0.299 - 1, 5);
      const colour = await readImageFolder(options(directory, { ...more, channels: 3 }));
      expect([...colour.images.subarray(0, 6)]).toEqual([1, -1, -1, -1, -1, -1]);
    });
  });

  it('tells how far it is, and stops when asked to', () =>
    withFolder(GOOD, async (directory) => {
      const seen: number[] = [];
      await readImageFolder(options(directory, { onProgress: ({ done, total }) => seen.push(done / total) }));
      expect(seen).toEqual([1 / 3, 2 / 3, 1]);
      const stop = new AbortController();
      const reading = readImageFolder(options(directory, { signal: stop.signal, onProgress: () => stop.abort() }));
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    }));

  it('counts what it may not read', () =>
    withFolder(GOOD, async (directory) => {
      await mkdir(join(directory, 'closed'), { mode: 0 });
      await writeFile(join(directory, 'closed.png'), testPng(5), { mode: 0 });
      await chmod(directory, 0o755);
      const dataset = await asOrdinaryUser(() => readImageFolder(options(directory)));
      expect(dataset.problems).toEqual([{ kind: 'unreadable', count: 2 }]);
    }));
});

/** An administrator may read everything: steps down for a while, so that rights mean something. */
async function asOrdinaryUser<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}
