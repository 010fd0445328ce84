import { describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { ImageProblem } from '../folder/image-problem.js';
import { readNifti } from './nifti-image.js';

interface TestVolume {
  readonly dims: readonly number[];
  readonly datatype: number;
  readonly bits: number;
  readonly data: Buffer;
  readonly slope?: number;
  readonly intercept?: number;
  /** Rows of the sform. */
  readonly affine?: readonly (readonly number[])[];
  /** b, c, d and the first of pixdim, for the qform. */
  readonly quaternion?: readonly [number, number, number];
  readonly magic?: string;
  readonly bigEndian?: boolean;
}

/** A NIfTI-1 file by the byte offsets of nifti1.h. */
function niftiFile(volume: TestVolume): Buffer {
  const header = Buffer.alloc(352);
  const big = volume.bigEndian === true;
  const short = (value: number, at: number): number =>
    big ? header.writeInt16BE(value, at) : header.writeInt16LE(value, at);
  const float = (value: number, at: number): number =>
    big ? header.writeFloatBE(value, at) : header.writeFloatLE(value, at);
  if (big) header.writeInt32BE(348, 0);
  else header.writeInt32LE(348, 0);
  [volume.dims.length, ...volume.dims].forEach((length, index) => short(length, 40 + 2 * index));
  short(volume.datatype, 70);
  short(volume.bits, 72);
  [1, 2, 3, 4].forEach((spacing, index) => float(spacing, 76 + 4 * index));
  float(352, 108);
  float(volume.slope ?? 0, 112);
  float(volume.intercept ?? 0, 116);
  if (volume.affine !== undefined) {
    short(1, 254);
    volume.affine.flat().forEach((value, index) => float(value, 280 + 4 * index));
  }
  if (volume.quaternion !== undefined) {
    short(1, 252);
    volume.quaternion.forEach((value, index) => float(value, 256 + 4 * index));
  }
  header.write(volume.magic ?? 'n+1', 344, 'latin1');
  return Buffer.concat([header, volume.data]);
}

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const frame = (file: Uint8Array, index = 0): number[] => [...(readNifti(file).frames[index]?.decode().pixels ?? [])];
const RAS = [
  [2, 0, 0, 0],
  [0, 3, 0, 0],
  [0, 0, 4, 0],
];

function problemOf(file: Uint8Array): string {
  try {
    readNifti(file).frames.forEach((image) => image.decode());
  } catch (error) {
    if (error instanceof ImageProblem) return error.kind;
    throw error;
  }
  return 'none';
}

describe('readNifti', () => {
  it('shows right to the left and front at the top: voxels that count to the right and front are turned over', () => {
    const file = niftiFile({ dims: [2, 2, 1], datatype: 2, bits: 8, data: bytes(1, 2, 3, 4), affine: RAS });
    // 1 lies left, back. 4 lies right, front and so comes first.
    expect(frame(file)).toEqual([4, 3, 2, 1]);
    expect(readNifti(file).frames[0]?.decode().pixelSpacing).toEqual({ x: 2, y: 3 });
  });

  it('leaves voxels alone that count to the left and back', () => {
    const affine = [
      [-2, 0, 0, 0],
      [0, -3, 0, 0],
      [0, 0, 4, 0],
    ];
    expect(frame(niftiFile({ dims: [2, 2, 1], datatype: 2, bits: 8, data: bytes(1, 2, 3, 4), affine }))).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('survives a half turn whose quaternion is rounded to more than 1', () => {
    // About the top axis: right becomes left, front becomes back; 1.0000001 is the next float above 1.
    const quaternion = [0, 0, 1.0000002] as const;
    const file = niftiFile({ dims: [2, 2, 1], datatype: 2, bits: 8, data: bytes(1, 2, 3, 4), quaternion });
    expect(frame(file)).toEqual([1, 2, 3, 4]);
  });

  it('applies slope and intercept, and none when the slope is 0', () => {
    const data = Buffer.alloc(4);
    data.writeInt16BE(-3, 0);
    data.writeInt16BE(7, 2);
    const volume = { dims: [2, 1, 1], datatype: 4, bits: 16, data, bigEndian: true } as const;
    expect(frame(niftiFile({ ...volume, slope: 2, intercept: 10 })).toSorted((a, b) => a - b)).toEqual([4, 24]);
    expect(frame(niftiFile({ ...volume, slope: 0, intercept: 10 })).toSorted((a, b) => a - b)).toEqual([-3, 7]);
    expect(frame(niftiFile({ ...volume, slope: 1, intercept: 10 })).toSorted((a, b) => a - b)).toEqual([7, 17]);
  });

  it('names slices by the third axis and times by the fourth, packed or not', () => {
    const volume = niftiFile({ dims: [1, 1, 2, 2], datatype: 2, bits: 8, data: bytes(1, 2, 3, 4), affine: RAS });
    const file = readNifti(gzipSync(volume));
    expect(file.frames.map(({ slice }) => slice)).toEqual(['1.1', '2.1', '1.2', '2.2']);
    expect(file.frames.map((image) => image.decode().pixels[0])).toEqual([1, 2, 3, 4]);
  });

  it('names what is wrong with a file', () => {
    const volume = { dims: [2, 2, 2], datatype: 2, bits: 8, data: bytes(1, 2, 3, 4) };
    expect(problemOf(niftiFile(volume))).toBe('truncated');
    expect(problemOf(niftiFile({ ...volume, dims: [0, 2, 2] }))).toBe('corrupt');
    expect(problemOf(niftiFile({ ...volume, datatype: 32, bits: 64 }))).toBe('unsupported-pixels');
    expect(problemOf(niftiFile({ ...volume, magic: 'ni1' }))).toBe('unsupported-format');
    const packed = gzipSync(niftiFile({ ...volume, data: Buffer.alloc(8, 1) }));
    expect(problemOf(packed.subarray(0, packed.length - 9))).toBe('truncated');
    expect(problemOf(niftiFile({ ...volume, data: Buffer.alloc(8), affine: [[NaN, 0, 0, 0], ...RAS.slice(1)] }))).toBe(
      'corrupt',
    );
  });
});
