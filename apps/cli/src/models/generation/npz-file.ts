import { crc32 } from 'node:zlib';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const ZIP_VERSION = 20;
/** 1 January 1980, the earliest date of the format, so that equal images give equal files. */
const DOS_DATE = 0x21;
const NPY_ALIGNMENT_BYTES = 64;
const NPY_PREFIX_BYTES = 10;

/**
 * An `.npz` file with one array `arr_0` of bytes, stored without compression, as tools that score generators read it.
 *
 * @param values `shape` multiplied out of them, last dimension fastest.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function npzOfBytes(values: Uint8Array, shape: readonly number[]): Buffer {
  return npzOf(values, '|u1', shape);
}

/** The same with an array of float32. */
export function npzOfFloats(values: Float32Array, shape: readonly number[]): Buffer {
  return npzOf(values, '<f4', shape);
}

function npzOf(values: Uint8Array | Float32Array, type: string, shape: readonly number[]): Buffer {
  const expected = shape.reduce((product, dimension) => product * dimension, 1);
  if (values.length !== expected) throw new RangeError(`${expected} values expected, got ${values.length}`);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return zipOfOne('arr_0.npy', Buffer.concat([npyHeader(type, shape), bytes]));
}

function npyHeader(type: string, shape: readonly number[]): Buffer {
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': ${pythonTuple(shape)}, }`;
  const unpadded = NPY_PREFIX_BYTES + dictionary.length + 1;
  const text = `${dictionary}${' '.repeat((NPY_ALIGNMENT_BYTES - (unpadded % NPY_ALIGNMENT_BYTES)) % NPY_ALIGNMENT_BYTES)}\n`;
  const header = Buffer.alloc(NPY_PREFIX_BYTES + text.length);
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(text.length, 8);
  header.write(text, NPY_PREFIX_BYTES, 'latin1');
  return header;
}

/** As Python prints it: `(6,)`, `(2, 3)`. */
function pythonTuple(values: readonly number[]): string {
  return values.length === 1 ? `(${values.join('')},)` : `(${values.join(', ')})`;
}

/** A ZIP archive with one stored member (PKWARE APPNOTE 4.3). */
function zipOfOne(name: string, content: Buffer): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(ZIP_VERSION, 0);
  facts.writeUInt16LE(DOS_DATE, 8);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(content.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([uint32(LOCAL_HEADER), facts, Buffer.from(name)]);
  const madeBy = Buffer.alloc(2);
  madeBy.writeUInt16LE(ZIP_VERSION);
  const rest = Buffer.alloc(14);
  const central = Buffer.concat([uint32(CENTRAL_HEADER), madeBy, facts, rest, Buffer.from(name)]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length + content.length, 12);
  return Buffer.concat([local, content, central, uint32(END_OF_CENTRAL_DIRECTORY), end]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
