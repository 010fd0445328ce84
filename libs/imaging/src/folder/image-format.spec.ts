import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { gunzipSync, gzipSync } from 'node:zlib';
import { dataSetBytes, dicomFile, imageElements, PIXEL_DATA } from '../dicom/dicom-bytes.spec-support.js';
import { writeNifti } from '../nifti/nifti-writer.js';
import { readImageFile } from './image-format.js';
import { problemOf } from './folder-images.js';
import { testPng } from './temporary-folder.spec-support.js';

// Many generated cases take their time on a busy machine.
jest.setTimeout(60_000);

const nifti = writeNifti({
  size: [3, 2, 2],
  spacingMm: [1, 1, 1],
  affine: [
    [-1, 0, 0, 0],
    [0, -1, 0, 0],
    [0, 0, 1, 0],
  ],
  values: Uint16Array.from({ length: 12 }, (_, index) => 100 * index),
  description: 'test',
});
const dicomElements = [...imageElements({ rows: 1, columns: 2 }), { tag: PIXEL_DATA, vr: 'OW', value: [1, 2] }];
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.padEnd(64, '0'), 'hex'));

async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const file = await readImageFile(bytes, 'name');
    file.frames.slice(0, 3).forEach((frame) => frame.decode());
    return file.format;
  } catch (error) {
    return problemOf(error);
  }
}

describe('readImageFile', () => {
  it('goes by content and not by name', async () => {
    expect(await outcome(testPng(1))).toBe('png');
    expect(await outcome(dicomFile(dicomElements))).toBe('dicom');
    expect(await outcome(dataSetBytes(dicomElements, 'implicit-little'))).toBe('dicom');
    expect(await outcome(nifti)).toBe('nifti');
    expect(await outcome(gunzipSync(nifti))).toBe('nifti');
  });

  it.each([
    ['no bytes', new Uint8Array(0), 'empty-file'],
    ['text', new TextEncoder().encode('patient,slice,class\n'), 'not-an-image'],
    ['packed text', gzipSync('patient,slice,class\n'), 'not-an-image'],
    ['JPEG', hex('ffd8ffe000104a46494600'), 'unsupported-format'],
    ['little-endian TIFF', hex('49492a00'), 'unsupported-format'],
    ['NRRD', hex('4e525244303030340a'), 'unsupported-format'],
    ['a PNG signature alone', testPng(1).subarray(0, 8), 'truncated'],
    ['a DICOM prefix alone', dicomFile([]).subarray(0, 132), 'truncated'],
  ])('says what %s is', async (_, bytes, kind) => {
    expect(await outcome(bytes)).toBe(kind);
  });

  it('reads the values of a PNG of 16 bits', async () => {
    // 2 × 1 grey pixels, 258 and 65,535; written with Python's zlib by the chunks of the PNG specification.
    const file = Buffer.from(
      '89504e470d0a1a0a0000000d494844520000000200000001100000000081d9fc150000000d49444154789c636064faff1f00030c02021b' +
        '01adb70000000049454e44ae426082',
      'hex',
    );
    const { frames } = await readImageFile(file, 'name');
    expect([...(frames[0]?.decode().pixels ?? [])]).toEqual([258, 65_535]);
  });

  it.each([
    ['PNG', testPng(3)],
    ['NIfTI', gunzipSync(nifti)],
    ['packed NIfTI', nifti],
  ])('gives an image or a known problem for any cut or changed %s', async (_, file) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), async (at, value, length) => {
        const changed = Uint8Array.from(file);
        changed[at] = value;
        expect(await outcome(changed.subarray(0, length))).toMatch(/^[a-z-]+$/);
      }),
      { numRuns: 300 },
    );
  });
});
