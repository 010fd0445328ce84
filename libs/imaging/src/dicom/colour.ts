import type { DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';

/** YCbCr of 8 bits to RGB in place, `[pixels, 3]` (DICOM PS3.3, C.7.6.3.1.2, YBR_FULL). */
export function ybrToRgb(values: Float32Array): Float32Array {
  for (let at = 0; at + 2 < values.length; at += 3) {
    const y = values[at] ?? 0;
    const cb = (values[at + 1] ?? 0) - 128;
    const cr = (values[at + 2] ?? 0) - 128;
    values[at] = clampByte(y + 1.402 * cr);
    values[at + 1] = clampByte(y - 0.344136 * cb - 0.714136 * cr);
    values[at + 2] = clampByte(y + 1.772 * cb);
  }
  return values;
}

const clampByte = (value: number): number => Math.min(255, Math.max(0, value));

/** Bytes Y1 Y2 Cb Cr of each pair of pixels to YCbCr of each pixel (PS3.3, YBR_FULL_422). */
export function expandYbr422(bytes: Uint8Array, pixels: number): Float32Array {
  if (bytes.length < 2 * pixels) throw new ImageProblem('truncated');
  const values = new Float32Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const pair = 4 * Math.floor(pixel / 2);
    values[3 * pixel] = bytes[pair + (pixel % 2)] ?? 0;
    values[3 * pixel + 1] = bytes[pair + 2] ?? 0;
    values[3 * pixel + 2] = bytes[pair + 3] ?? 0;
  }
  return values;
}

const DESCRIPTORS = ['x00281101', 'x00281102', 'x00281103'] as const;
const TABLES = ['x00281201', 'x00281202', 'x00281203'] as const;

/**
 * Stored values through the red, green, blue tables of the file (PS3.3, C.7.6.3.1.5).
 *
 * @returns `[pixels, 3]`, 0 to 255.
 * @throws ImageProblem `unsupported-pixels` for segmented or missing tables.
 */
export function applyPalette(dataSet: DataSet, stored: Float32Array): Float32Array {
  const tables = DESCRIPTORS.map((descriptor, index) => readTable(dataSet, descriptor, TABLES[index] ?? ''));
  const colours = new Float32Array(3 * stored.length);
  stored.forEach((value, pixel) => {
    tables.forEach(({ first, entries, scale }, channel) => {
      const entry = Math.min(entries.length - 1, Math.max(0, value - first));
      colours[3 * pixel + channel] = (entries[entry] ?? 0) * scale;
    });
  });
  return colours;
}

function readTable(
  dataSet: DataSet,
  descriptor: string,
  table: string,
): { first: number; entries: number[]; scale: number } {
  const declared = dataSet.uint16(descriptor, 0);
  const first = dataSet.uint16(descriptor, 1) ?? 0;
  const bits = dataSet.uint16(descriptor, 2) ?? 16;
  const element = dataSet.elements[table];
  if (declared === undefined || element === undefined) throw new ImageProblem('unsupported-pixels');
  const count = declared === 0 ? 65_536 : declared;
  const bytesPerEntry = element.length >= 2 * count ? 2 : 1;
  if (element.length < count * bytesPerEntry) throw new ImageProblem('corrupt');
  const entries = Array.from({ length: count }, (_, index) =>
    bytesPerEntry === 2 ? (dataSet.uint16(table, index) ?? 0) : (dataSet.byteArray[element.dataOffset + index] ?? 0),
  );
  // Some writers put values of 8 bits into tables of 16.
  const large = bits === 16 && bytesPerEntry === 2 && entries.some((entry) => entry > 255);
  return { first, entries, scale: large ? 255 / 65_535 : 1 };
}
