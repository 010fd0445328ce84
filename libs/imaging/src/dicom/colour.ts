import type { DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';
import { lookUp, readLookupTable, type LookupTable, type LookupTableTags } from './lookup-table.js';

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

/** Red, green, blue. */
const PALETTE: readonly LookupTableTags[] = [
  { descriptor: 'x00281101', data: 'x00281201', signed: false },
  { descriptor: 'x00281102', data: 'x00281202', signed: false },
  { descriptor: 'x00281103', data: 'x00281203', signed: false },
];

/**
 * Stored values through the red, green, blue tables of the file (PS3.3, C.7.6.3.1.5).
 *
 * @returns `[pixels, 3]`, 0 to 255.
 * @throws ImageProblem `unsupported-pixels` for segmented or missing tables.
 */
export function applyPalette(dataSet: DataSet, stored: Float32Array): Float32Array {
  const tables = PALETTE.map((tags) => readLookupTable(dataSet, tags));
  const scales = tables.map(byteScale);
  const colours = new Float32Array(3 * stored.length);
  stored.forEach((value, pixel) => {
    tables.forEach((table, channel) => {
      colours[3 * pixel + channel] = lookUp(table, value) * (scales[channel] ?? 1);
    });
  });
  return colours;
}

/** Some writers put values of 8 bits into tables that they declare to have 16. */
function byteScale({ bits, bytesPerEntry, entries }: LookupTable): number {
  return bits === 16 && bytesPerEntry === 2 && entries.some((entry) => entry > 255) ? 255 / 65_535 : 1;
}
