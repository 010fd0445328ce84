import { gzipSync } from 'node:zlib';

/** What a written NIfTI file holds: `values` is `[z, y, x]`, 0 to 65,535. */
export interface NiftiContent {
  readonly size: readonly [nx: number, ny: number, nz: number];
  readonly spacingMm: readonly [number, number, number];
  /** Rows of the affine from voxel to millimetres to the right, front, top of the patient. */
  readonly affine: readonly [readonly number[], readonly number[], readonly number[]];
  readonly values: Uint16Array;
  /** At most 79 characters of ASCII. */
  readonly description: string;
}

const HEADER_BYTES = 352;
const TYPE_UINT16 = 512;
const UNITS_MILLIMETRE = 2;
const XFORM_SCANNER = 1;

/** A NIfTI-1 file (`.nii.gz`), little endian, unsigned 16 bits, no scaling (nifti1.h, https://nifti.nimh.nih.gov/nifti-1). */
export function writeNifti(content: NiftiContent): Buffer {
  const [nx, ny, nz] = content.size;
  if (content.values.length !== nx * ny * nz) throw new RangeError(`${nx * ny * nz} values expected`);
  const file = Buffer.alloc(HEADER_BYTES + 2 * content.values.length);
  file.writeInt32LE(348, 0);
  [3, nx, ny, nz, 1, 1, 1, 1].forEach((length, index) => file.writeInt16LE(length, 40 + 2 * index));
  file.writeInt16LE(TYPE_UINT16, 70);
  file.writeInt16LE(16, 72);
  [1, ...content.spacingMm, 1, 1, 1, 1].forEach((spacing, index) => file.writeFloatLE(spacing, 76 + 4 * index));
  file.writeFloatLE(HEADER_BYTES, 108);
  file.writeFloatLE(1, 112);
  file.writeUInt8(UNITS_MILLIMETRE, 123);
  file.write(content.description.slice(0, 79), 148, 'ascii');
  file.writeInt16LE(XFORM_SCANNER, 254);
  content.affine.flat().forEach((value, index) => file.writeFloatLE(value, 280 + 4 * index));
  file.write('n+1\0', 344, 'ascii');
  content.values.forEach((value, index) => file.writeUInt16LE(value, HEADER_BYTES + 2 * index));
  return gzipSync(file, { level: 6 });
}
