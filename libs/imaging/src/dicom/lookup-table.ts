import type { DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';

/** A table of the file from stored values to others; values before the first and after the last entry take those. */
export interface LookupTable {
  /** Stored value that the first entry is for. */
  readonly first: number;
  readonly entries: readonly number[];
  /** Bits of an entry as declared. */
  readonly bits: number;
  readonly bytesPerEntry: 1 | 2;
}

const LARGEST_TABLE = 65_536;

/** Where a table stands: the tags of its descriptor (entries, first value, bits) and of its entries. */
export interface LookupTableTags {
  readonly descriptor: string;
  readonly data: string;
  /** Whether the stored values, and with them the first one, are signed. */
  readonly signed: boolean;
}

/** @throws ImageProblem `unsupported-pixels` when missing (or segmented), `corrupt` when shorter than declared. */
export function readLookupTable(dataSet: DataSet, { descriptor, data, signed }: LookupTableTags): LookupTable {
  const declared = dataSet.uint16(descriptor, 0);
  const element = dataSet.elements[data];
  if (declared === undefined || element === undefined) throw new ImageProblem('unsupported-pixels');
  // The largest table does not fit in its own 16-bit length (DICOM PS3.3, C.7.6.3.1.5).
  const count = declared === 0 ? LARGEST_TABLE : declared;
  const bytesPerEntry = element.length >= 2 * count ? 2 : 1;
  if (element.length < count * bytesPerEntry) throw new ImageProblem('corrupt');
  const first = (signed ? dataSet.int16(descriptor, 1) : dataSet.uint16(descriptor, 1)) ?? 0;
  const entries = Array.from({ length: count }, (_, index) =>
    bytesPerEntry === 2 ? (dataSet.uint16(data, index) ?? 0) : (dataSet.byteArray[element.dataOffset + index] ?? 0),
  );
  return { first, entries, bits: dataSet.uint16(descriptor, 2) ?? 16, bytesPerEntry };
}

/** The entry of a stored value; values beyond the table have its first or last entry (PS3.3 C.11.1.1). */
export function lookUp({ first, entries }: LookupTable, stored: number): number {
  return entries[Math.min(entries.length - 1, Math.max(0, stored - first))] ?? 0;
}
