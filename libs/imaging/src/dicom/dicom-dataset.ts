import { inflateRawSync } from 'node:zlib';
import dicomParser, { type DataSet } from 'dicom-parser';
import { ImageProblem } from '../folder/image-problem.js';

const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const EXPLICIT_BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

/** Transfer syntaxes whose pixels lie as they are (a deflated data set is inflated whole). */
export const UNCOMPRESSED: ReadonlySet<string> = new Set([
  IMPLICIT_LITTLE_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  EXPLICIT_BIG_ENDIAN,
  DEFLATED,
]);

/** A parsed file: `dataSet.byteArray` holds its (inflated) bytes. */
export interface DicomFile {
  readonly dataSet: DataSet;
  readonly transferSyntax: string;
}

const PREAMBLE_BYTES = 128;
const MAX_INFLATED_BYTES = 2 * 1024 ** 3;
const PIXEL_ELEMENTS = ['x7fe00010', 'x7fe00008', 'x7fe00009'] as const;

/** The element that holds the image, whatever its kind of numbers. */
export function pixelElement(dataSet: DataSet): DataSet['elements'][string] | undefined {
  return PIXEL_ELEMENTS.map((tag) => dataSet.elements[tag]).find((element) => element !== undefined);
}

/** True when the bytes begin with the preamble and `DICM` of DICOM PS3.10. */
export function hasDicomPrefix(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4)).toString('latin1') === 'DICM';
}

/** True when the bytes begin like a data set without preamble: a group 0002 or 0008 element of a plausible length. */
export function looksLikeBareDataSet(bytes: Uint8Array): boolean {
  if (bytes.length < 16) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) < 0x0100;
  const group = view.getUint16(0, littleEndian);
  if (group !== 0x0002 && group !== 0x0008) return false;
  return isExplicit(bytes, 0) || view.getUint32(4, littleEndian) <= Math.min(bytes.length, 4096);
}

/**
 * Parses a DICOM file, also one without preamble, without meta header or without its transfer syntax, as scanners and
 * old archives write them.
 *
 * @throws ImageProblem `truncated` or `corrupt`.
 */
export function parseDicom(bytes: Uint8Array): DicomFile {
  const start = hasDicomPrefix(bytes) ? PREAMBLE_BYTES + 4 : 0;
  const meta = readMetaHeader(bytes, start);
  const transferSyntax = meta.transferSyntax ?? guessTransferSyntax(bytes, meta.end);
  // Some writers announce an explicit syntax and write an implicit one.
  const mislabelled = transferSyntax === EXPLICIT_LITTLE_ENDIAN && !isExplicit(bytes, meta.end);
  const encoding = mislabelled ? IMPLICIT_LITTLE_ENDIAN : transferSyntax;
  return { dataSet: parseWith(bytes.subarray(meta.end), encoding), transferSyntax };
}

/** dicom-parser throws strings, errors, and objects that hold what it had read until then. */
function parseWith(bytes: Uint8Array, transferSyntax: string): DataSet {
  try {
    return dicomParser.parseDicom(bytes, { TransferSyntaxUID: transferSyntax, inflater: inflate });
  } catch (cause) {
    if (cause instanceof ImageProblem) throw cause;
    const partial = partialDataSet(cause);
    // What follows the pixels (padding, a cut-off signature) is of no use here; the pixels' own length is checked later.
    if (partial !== undefined && pixelElement(partial) !== undefined) return partial;
    throw new ImageProblem(isOverrun(cause) ? 'truncated' : 'corrupt', { cause });
  }
}

function partialDataSet(thrown: unknown): DataSet | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('dataSet' in thrown)) return undefined;
  const { dataSet } = thrown;
  const parsed = typeof dataSet === 'object' && dataSet !== null && 'elements' in dataSet && 'byteArray' in dataSet;
  // Checked above: this is the data set of the parser.
  return parsed ? (dataSet as DataSet) : undefined;
}

function isOverrun(thrown: unknown): boolean {
  const reason = typeof thrown === 'object' && thrown !== null && 'exception' in thrown ? thrown.exception : thrown;
  return typeof reason === 'string' && /overr(?:u|ea)n|past end|overread/.test(reason);
}

/** The data set of a deflated file . */
function inflate(deflated: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(deflated, { maxOutputLength: MAX_INFLATED_BYTES }));
  } catch (cause) {
    throw new ImageProblem('corrupt', { cause });
  }
}

/** Walks over the group 0002 elements, which are explicit little endian in every file (DICOM PS3.10, 7.1). */
function readMetaHeader(bytes: Uint8Array, start: number): { transferSyntax?: string; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = start;
  let transferSyntax: string | undefined;
  while (end + 12 <= bytes.length && view.getUint16(end, true) === 0x0002 && isExplicit(bytes, end)) {
    const long = ['OB', 'OW', 'UN', 'SQ', 'UT'].includes(latin1(bytes, end + 4, end + 6));
    const valueStart = end + (long ? 12 : 8);
    const length = long ? view.getUint32(end + 8, true) : view.getUint16(end + 6, true);
    if (view.getUint16(end + 2, true) === 0x0010) {
      transferSyntax = latin1(bytes, valueStart, valueStart + length).replace(/[\0 ]+$/, '');
    }
    end = valueStart + length;
  }
  if (end > bytes.length) throw new ImageProblem('truncated');
  return { transferSyntax: transferSyntax === '' ? undefined : transferSyntax, end };
}

function guessTransferSyntax(bytes: Uint8Array, start: number): string {
  if (start + 8 > bytes.length) throw new ImageProblem('truncated');
  const bigEndian = bytes[start] === 0 && bytes[start + 1] !== 0;
  if (bigEndian) return EXPLICIT_BIG_ENDIAN;
  return isExplicit(bytes, start) ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN;
}

/** True when two capital letters stand where an explicit element has its value representation. */
function isExplicit(bytes: Uint8Array, start: number): boolean {
  return /^[A-Z]{2}$/.test(latin1(bytes, start + 4, start + 6));
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('latin1');
}
