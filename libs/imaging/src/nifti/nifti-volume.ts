import { gunzipSync } from 'node:zlib';
import { isNIFTI, NIFTI1, readHeader, type NIFTI2 } from 'nifti-reader-js';
import { ImageProblem } from '../folder/image-problem.js';
import { systemErrorCode } from '../folder/system-error.js';

type AffineRow = readonly [number, number, number, number];

/** A NIfTI file: `values` is `[t, z, y, x]`, x fastest, in the units that the header's slope and intercept give. */
export interface NiftiVolume {
  readonly size: readonly [nx: number, ny: number, nz: number, nt: number];
  readonly spacingMm: readonly [number, number, number];
  /** From voxel (i, j, k) to millimetres to the right, front, top of the patient. */
  readonly affine: readonly [AffineRow, AffineRow, AffineRow];
  readonly values: Float32Array;
}

/** Largest volume that is unpacked: a 1,024³ scan of 16 bits. */
const MAX_UNPACKED_BYTES = 2 * 1024 ** 3;
const GZIP = [0x1f, 0x8b];

/**
 * @throws ImageProblem `corrupt`, `truncated`, `unsupported-pixels`, `unsupported-format` (a header without its image file).
 */
export function readNiftiVolume(bytes: Uint8Array): NiftiVolume {
  const file = toArrayBuffer(unpack(bytes));
  const header = parseHeader(file);
  const size = volumeSize(header);
  const count = size[0] * size[1] * size[2] * size[3];
  const read = VOXEL_READERS[header.datatypeCode];
  if (read === undefined) throw new ImageProblem('unsupported-pixels');
  if (!(header.vox_offset >= 0 && header.vox_offset + count * read.bytes <= file.byteLength)) {
    throw new ImageProblem('truncated');
  }
  const data = new DataView(file, header.vox_offset);
  const { slope, intercept } = scaling(header);
  const values = new Float32Array(count);
  for (let voxel = 0; voxel < count; voxel++) {
    values[voxel] = slope * read.value(data, voxel * read.bytes, header.littleEndian) + intercept;
  }
  const spacing = (axis: number): number => Math.abs(header.pixDims[axis] ?? 0) || 1;
  return { size, spacingMm: [spacing(1), spacing(2), spacing(3)], affine: patientAffine(header), values };
}

/** A slope of 0 asks for no scaling at all (NIfTI-1 standard, "scl_slope"). */
function scaling({ scl_slope: slope, scl_inter: intercept }: NIFTI1 | NIFTI2): { slope: number; intercept: number } {
  if (!Number.isFinite(slope) || slope === 0) return { slope: 1, intercept: 0 };
  return { slope, intercept: Number.isFinite(intercept) ? intercept : 0 };
}

function unpack(bytes: Uint8Array): Uint8Array {
  if (!GZIP.every((byte, index) => bytes[index] === byte)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new ImageProblem('too-large', { cause });
    throw new ImageProblem(code === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', { cause });
  }
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function parseHeader(file: ArrayBuffer): NIFTI1 | NIFTI2 {
  if (!isNIFTI(file)) throw new ImageProblem(isNIFTI(file, true) ? 'unsupported-format' : 'corrupt');
  try {
    return readHeader(file);
  } catch (cause) {
    throw new ImageProblem('corrupt', { cause });
  }
}

function volumeSize(header: NIFTI1 | NIFTI2): [number, number, number, number] {
  const dimensions = header.dims[0] ?? 0;
  const at = (axis: number): number => (axis <= dimensions ? (header.dims[axis] ?? 0) : 1);
  const later = [5, 6, 7].reduce((product, axis) => product * Math.max(1, at(axis)), 1);
  const size: [number, number, number, number] = [at(1), at(2), at(3), at(4) * later];
  const whole = size.every((length) => Number.isInteger(length) && length > 0);
  if (dimensions < 2 || dimensions > 7 || !whole) throw new ImageProblem('corrupt');
  return size;
}

function patientAffine(header: NIFTI1 | NIFTI2): NiftiVolume['affine'] {
  const stated = header.affine.slice(0, 3);
  const rows = stated.flat().every(Number.isFinite) ? stated : halfTurnAffine(header);
  const [rowX, rowY, rowZ] = rows.map(([a = 0, b = 0, c = 0, d = 0]): AffineRow => [a, b, c, d]);
  if (rowX === undefined || rowY === undefined || rowZ === undefined || !rows.flat().every(Number.isFinite)) {
    throw new ImageProblem('corrupt');
  }
  return [rowX, rowY, rowZ];
}

/**
 * The affine of a rotation by half a turn, whose quaternion (0, b, c, d) may be rounded to a length just above 1; the
 * header reader then takes the root of a negative number for its first part. R = 2·vvᵀ − I for the unit axis v.
 */
function halfTurnAffine(header: NIFTI1 | NIFTI2): number[][] {
  const axis = [header.quatern_b, header.quatern_c, header.quatern_d];
  const length = Math.hypot(...axis);
  if (!(Math.abs(length - 1) < 1e-3)) throw new ImageProblem('corrupt');
  const steps = [
    header.pixDims[1] ?? 1,
    header.pixDims[2] ?? 1,
    (header.pixDims[3] ?? 1) * ((header.pixDims[0] ?? 1) < 0 ? -1 : 1),
  ];
  const offset = [header.qoffset_x, header.qoffset_y, header.qoffset_z];
  return axis.map((v, row) => [
    ...axis.map((w, column) => ((2 * v * w) / length ** 2 - (row === column ? 1 : 0)) * (steps[column] ?? 1)),
    offset[row] ?? 0,
  ]);
}

interface VoxelReader {
  readonly bytes: number;
  value(data: DataView, offset: number, littleEndian: boolean): number;
}

const VOXEL_READERS: Readonly<Record<number, VoxelReader>> = {
  [NIFTI1.TYPE_UINT8]: { bytes: 1, value: (data, at) => data.getUint8(at) },
  [NIFTI1.TYPE_INT8]: { bytes: 1, value: (data, at) => data.getInt8(at) },
  [NIFTI1.TYPE_INT16]: { bytes: 2, value: (data, at, little) => data.getInt16(at, little) },
  [NIFTI1.TYPE_UINT16]: { bytes: 2, value: (data, at, little) => data.getUint16(at, little) },
  [NIFTI1.TYPE_INT32]: { bytes: 4, value: (data, at, little) => data.getInt32(at, little) },
  [NIFTI1.TYPE_UINT32]: { bytes: 4, value: (data, at, little) => data.getUint32(at, little) },
  [NIFTI1.TYPE_INT64]: { bytes: 8, value: (data, at, little) => Number(data.getBigInt64(at, little)) },
  [NIFTI1.TYPE_UINT64]: { bytes: 8, value: (data, at, little) => Number(data.getBigUint64(at, little)) },
  [NIFTI1.TYPE_FLOAT32]: { bytes: 4, value: (data, at, little) => data.getFloat32(at, little) },
  [NIFTI1.TYPE_FLOAT64]: { bytes: 8, value: (data, at, little) => data.getFloat64(at, little) },
};
