import type { DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';
import { applyPalette, expandYbr422, ybrToRgb } from './colour.js';
import { paddingRange, rescale } from './dicom-attributes.js';
import { lookUp, readLookupTable } from './lookup-table.js';
import { storedPixels, type FrameBytes } from './stored-pixels.js';

/** Values of a frame, `[rows, columns, channels]`: real ones for grey, 0 to 255 for colour. */
export interface FrameValues {
  readonly pixels: Float32Array;
  readonly channels: 1 | 3;
}

/** @throws ImageProblem `unsupported-pixels`, `corrupt`, `truncated`. */
export function frameValues(dataSet: DataSet, frame: number, bytes: FrameBytes): FrameValues {
  const { photometric, rows, columns } = bytes.attributes;
  switch (photometric) {
    case 'MONOCHROME1':
    case 'MONOCHROME2':
      return { pixels: greyPixels(dataSet, frame, bytes), channels: 1 };
    case 'PALETTE COLOR':
      return { pixels: applyPalette(dataSet, storedPixels(bytes)), channels: 3 };
    case 'RGB':
      return { pixels: toBytes(bytes), channels: 3 };
    case 'YBR_FULL':
      return { pixels: ybrToRgb(toBytes(bytes)), channels: 3 };
    case 'YBR_FULL_422':
      return { pixels: ybrToRgb(expandYbr422(bytes.bytes, rows * columns)), channels: 3 };
    default:
      throw new ImageProblem('unsupported-pixels');
  }
}

/** Real values: stored ones through the modality's table or slope and intercept, padding as dark as the darkest. */
function greyPixels(dataSet: DataSet, frame: number, bytes: FrameBytes): Float32Array {
  const { photometric, signed, bitsStored } = bytes.attributes;
  const stored = storedPixels(bytes);
  const toReal = modalityTransformation(dataSet, frame, signed);
  // MONOCHROME1 shows small values bright: mirrored within the range that the stored bits can express.
  const mirror = signed ? -1 : 2 ** bitsStored - 1;
  const real = stored.map((value) => toReal(photometric === 'MONOCHROME1' ? mirror - value : value));
  const padding = paddingRange(dataSet);
  if (padding === undefined) return real;
  const isPadding = (value: number): boolean => value >= padding.low && value <= padding.high;
  const darkest = real.reduce((low, value, at) => (isPadding(stored[at] ?? 0) ? low : Math.min(low, value)), Infinity);
  if (darkest === Infinity) return real;
  return real.map((value, at) => (isPadding(stored[at] ?? 0) ? darkest : value));
}

/** From stored to real values (DICOM PS3.3, C.11.1). */
function modalityTransformation(dataSet: DataSet, frame: number, signed: boolean): (stored: number) => number {
  const table = dataSet.elements['x00283000']?.items?.[0]?.dataSet;
  if (table !== undefined) {
    const entries = readLookupTable(table, { descriptor: 'x00283002', data: 'x00283006', signed });
    return (stored) => lookUp(entries, stored);
  }
  const { slope, intercept } = rescale(dataSet, frame);
  return (stored) => slope * stored + intercept;
}

/** Colour of more than 8 bits to 0 … 255. */
function toBytes(bytes: FrameBytes): Float32Array {
  const { bitsStored } = bytes.attributes;
  const stored = storedPixels(bytes);
  return bitsStored <= 8 ? stored : stored.map((value) => (value * 255) / (2 ** bitsStored - 1));
}
