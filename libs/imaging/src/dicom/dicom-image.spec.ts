import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { ImageProblem } from '../folder/image-problem.js';
import {
  dataSetBytes,
  dicomFile,
  encapsulated,
  imageElements,
  PIXEL_DATA,
  type Encoding,
  type TestElement,
} from './dicom-bytes.spec-support.js';
import { readDicom } from './dicom-image.js';

// Many generated cases take their time on a busy machine.
jest.setTimeout(60_000);

const words = (...value: number[]): TestElement => ({ tag: PIXEL_DATA, vr: 'OW', value });
const bytes = (...value: number[]): TestElement => ({ tag: PIXEL_DATA, vr: 'OB', value: Uint8Array.from(value) });
async function pixelsOf(file: Uint8Array, frame = 0): Promise<number[]> {
  const { frames } = await readDicom(file);
  return [...(frames[frame]?.decode().pixels ?? [])];
}

async function problemOf(file: Uint8Array): Promise<string> {
  try {
    const { frames } = await readDicom(file);
    frames.slice(0, 4).forEach((frame) => frame.decode());
  } catch (error) {
    if (error instanceof ImageProblem) return error.kind;
    throw error;
  }
  return 'none';
}

describe('readDicom', () => {
  it.each<Encoding>(['implicit-little', 'explicit-little', 'explicit-big'])('reads %s', async (encoding) => {
    const file = dicomFile([...imageElements({ rows: 2, columns: 3 }), words(1, 2, 300, 4, 5, 60_000)], { encoding });
    const image = await readDicom(file);
    expect(image).toMatchObject({ format: 'dicom', modality: 'MR', patient: 'PATIENT-7' });
    expect(image.frames.map(({ slice }) => slice)).toEqual(['3']);
    expect(image.frames[0]?.decode()).toMatchObject({ widthPx: 3, heightPx: 2, channels: 1 });
    expect(await pixelsOf(file)).toEqual([1, 2, 300, 4, 5, 60_000]);
  });

  it.each<Encoding>(['implicit-little', 'explicit-little', 'explicit-big'])(
    'reads %s without preamble and meta header',
    async (encoding) => {
      const elements = [...imageElements({ rows: 1, columns: 2 }), words(513, 7)];
      expect(await pixelsOf(dataSetBytes(elements, encoding))).toEqual([513, 7]);
    },
  );

  it('extends the sign of 12 stored bits and drops overlay bits above them', async () => {
    const elements = imageElements({ rows: 1, columns: 3, bitsStored: 12, signed: true });
    // 0xfff = −1, 0x800 = −2048, and 5 under an overlay bit.
    expect(await pixelsOf(dicomFile([...elements, words(0x0fff, 0x0800, 0x8005)]))).toEqual([-1, -2048, 5]);
  });

  it('takes stored bits from below a high bit that is not theirs to count from 0', async () => {
    const elements = imageElements({ rows: 1, columns: 2, bitsStored: 12, highBit: 15 });
    expect(await pixelsOf(dicomFile([...elements, words(0x7ff0, 0x0013)]))).toEqual([0x7ff, 1]);
  });

  it('applies rescale slope and intercept', async () => {
    const rescale = [
      { tag: 0x00281052, vr: 'DS', value: '-1024' },
      { tag: 0x00281053, vr: 'DS', value: '0.5' },
    ];
    expect(await pixelsOf(dicomFile([...imageElements({ rows: 1, columns: 2 }), ...rescale, words(0, 100)]))).toEqual([
      -1024, -974,
    ]);
  });

  it('takes rescale and spacing of each frame of an enhanced file from its functional groups', async () => {
    const group = (intercept: string, spacing: string): TestElement[] => [
      {
        tag: 0x00289145,
        vr: 'SQ',
        value: [
          [
            { tag: 0x00281052, vr: 'DS', value: intercept },
            { tag: 0x00281053, vr: 'DS', value: '1' },
          ],
        ],
      },
      { tag: 0x00289110, vr: 'SQ', value: [[{ tag: 0x00280030, vr: 'DS', value: spacing }]] },
    ];
    const file = dicomFile([
      ...imageElements({ rows: 1, columns: 2 }),
      { tag: 0x00280008, vr: 'IS', value: '2' },
      { tag: 0x52009230, vr: 'SQ', value: [group('10', '1\\2'), group('20', '3\\4')] },
      words(1, 2, 3, 4),
    ]);
    const { frames } = await readDicom(file);
    expect(frames.map(({ slice }) => slice)).toEqual(['3.1', '3.2']);
    expect([await pixelsOf(file, 0), await pixelsOf(file, 1)]).toEqual([
      [11, 12],
      [23, 24],
    ]);
    expect(frames[1]?.decode().pixelSpacing).toEqual({ x: 4, y: 3 });
  });

  it('mirrors MONOCHROME1 within the stored bits', async () => {
    const elements = imageElements({ rows: 1, columns: 2, bitsStored: 10, photometric: 'MONOCHROME1' });
    expect(await pixelsOf(dicomFile([...elements, words(0, 1000)]))).toEqual([1023, 23]);
  });

  it('makes padding as dark as the darkest pixel of the image', async () => {
    const padding = { tag: 0x00280120, vr: 'SS', value: [-2000] };
    const elements = [...imageElements({ rows: 1, columns: 3, signed: true }), padding, words(-2000, -40, 90)];
    expect(await pixelsOf(dicomFile(elements))).toEqual([-40, -40, 90]);
  });

  it('looks stored values up in a modality table', async () => {
    const table: TestElement = {
      tag: 0x00283000,
      vr: 'SQ',
      value: [
        [
          { tag: 0x00283002, vr: 'US', value: [3, 10, 16] },
          { tag: 0x00283006, vr: 'US', value: [500, 600, 700] },
        ],
      ],
    };
    expect(await pixelsOf(dicomFile([...imageElements({ rows: 1, columns: 3 }), table, words(9, 11, 99)]))).toEqual([
      500, 600, 700,
    ]);
  });

  it('reads colour by pixel and by plane alike', async () => {
    const image = imageElements({ rows: 1, columns: 2, bitsAllocated: 8, samples: 3, photometric: 'RGB' });
    const planar = (value: number): TestElement => ({ tag: 0x00280006, vr: 'US', value: [value] });
    expect(await pixelsOf(dicomFile([...image, planar(0), bytes(1, 2, 3, 4, 5, 6)]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await pixelsOf(dicomFile([...image, planar(1), bytes(1, 4, 2, 5, 3, 6)]))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('swaps the bytes of 8-bit pixels that a big-endian file holds as words', async () => {
    const image = imageElements({ rows: 1, columns: 3, bitsAllocated: 8 });
    const pixels = { tag: PIXEL_DATA, vr: 'OW', value: Uint8Array.from([2, 1, 0, 3]) };
    expect(await pixelsOf(dicomFile([...image, pixels], { encoding: 'explicit-big' }))).toEqual([1, 2, 3]);
  });

  it('turns a pair of subsampled YCbCr pixels into RGB', async () => {
    const image = imageElements({ rows: 1, columns: 2, bitsAllocated: 8, samples: 3, photometric: 'YBR_FULL_422' });
    // Y 100 and 50 with Cb 128, Cr 138: red is Y + 1.402 · 10, green Y − 0.714136 · 10, blue Y.
    const rgb = await pixelsOf(dicomFile([...image, bytes(100, 50, 128, 138)]));
    [114.02, 92.85864, 100, 64.02, 42.85864, 50].forEach((value, index) => expect(rgb[index]).toBeCloseTo(value, 3));
  });

  it('looks palette colours up and brings 16 bits to a byte', async () => {
    const table = (tag: number, value: number[]): TestElement => ({ tag, vr: 'OW', value });
    const file = dicomFile([
      ...imageElements({ rows: 1, columns: 2, bitsAllocated: 8, photometric: 'PALETTE COLOR' }),
      ...[0x00281101, 0x00281102, 0x00281103].map((tag) => ({ tag, vr: 'US', value: [2, 0, 16] })),
      table(0x00281201, [0, 65_535]),
      table(0x00281202, [257, 514]),
      table(0x00281203, [65_535, 0]),
      bytes(0, 1),
    ]);
    const rgb = await pixelsOf(file);
    [0, 1, 255, 255, 2, 0].forEach((value, index) => expect(rgb[index]).toBeCloseTo(value, 4));
  });

  it('unpacks run-length frames, the high byte before the low one', async () => {
    const header = Buffer.alloc(64);
    [2, 64, 66].forEach((value, index) => header.writeUInt32LE(value, 4 * index));
    // High bytes: 1 four times (−3 repeats). Low bytes: 9, 8 copied, then 7 twice.
    const frame = Buffer.concat([header, Buffer.from([253, 1, 1, 9, 8, 255, 7, 0])]);
    const data = dataSetBytes(imageElements({ rows: 2, columns: 2 }), 'explicit-little');
    const meta = dicomFile([], { transferSyntax: '1.2.840.10008.1.2.5' });
    expect(await pixelsOf(Buffer.concat([meta, data, encapsulated([frame])]))).toEqual([265, 264, 263, 263]);
  });

  it('shows a sagittal image with the front at the left and the top at the top', async () => {
    // Columns run to the top, rows to the back: the marker in column 1 of row 0 lies above, and in front.
    const orientation = { tag: 0x00200037, vr: 'DS', value: '0\\0\\1\\0\\1\\0' };
    const file = dicomFile([...imageElements({ rows: 2, columns: 2 }), orientation, words(0, 9, 0, 0)]);
    expect(await pixelsOf(file)).toEqual([9, 0, 0, 0]);
  });

  it('names what is wrong with a file', async () => {
    const image = imageElements({ rows: 4, columns: 4 });
    expect(await problemOf(dicomFile([...image, words(1, 2, 3)]))).toBe('truncated');
    expect(await problemOf(dicomFile([{ tag: 0x00080060, vr: 'CS', value: 'SR' }]))).toBe('no-pixels');
    const manyFrames = dicomFile([...image, { tag: 0x00280008, vr: 'IS', value: '9999999' }, words(1)]);
    expect(await problemOf(manyFrames)).toBe('truncated');
    const video = dicomFile([...image, words(1)], { transferSyntax: '1.2.840.10008.1.2.4.102' });
    expect(await problemOf(video)).toBe('unsupported-transfer-syntax');
    const bits = dicomFile([...imageElements({ rows: 1, columns: 8, bitsAllocated: 1 }), bytes(3, 0)]);
    expect(await problemOf(bits)).toBe('unsupported-pixels');
    const twoSamples = dicomFile([...imageElements({ rows: 1, columns: 1, samples: 2 }), words(1, 2)]);
    expect(await problemOf(twoSamples)).toBe('unsupported-pixels');
  });

  it('gives an image or a problem for every file that is cut off or has a changed byte, and nothing else', async () => {
    const file = dicomFile([...imageElements({ rows: 3, columns: 3 }), words(1, 2, 3, 4, 5, 6, 7, 8, 9)]);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), async (at, value, length) => {
        const changed = Uint8Array.from(file);
        changed[at] = value;
        expect(await problemOf(changed.subarray(0, Math.max(length, 1)))).toMatch(/^[a-z-]+$/);
      }),
      { numRuns: 500 },
    );
  });
});
