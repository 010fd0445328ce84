import { z } from 'zod';
import {
  isKnownDType,
  locateTensors,
  safetensorsError,
  tensorByteLength,
  type TensorEntry,
  type TensorLocation,
} from './safetensors-layout.js';

export * from './safetensors-layout.js';

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly entries: readonly TensorLocation[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data starts: length prefix and JSON, padding included. */
  readonly headerBytes: number;
  readonly dataBytes: number;
}

/** Bytes of the little-endian length that starts every file. */
export const LENGTH_PREFIX_BYTES = 8;

/** Longest JSON header that is read: about 100,000 tensors. */
export const MAX_HEADER_JSON_BYTES = 16 * 1024 * 1024;

/** The format's own alignment of the data's start. */
const ALIGNMENT_BYTES = 8;
const METADATA_KEY = '__metadata__';

const metadataSchema = z.record(z.string(), z.string());
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * The bytes before the data: length prefix, JSON, spaces up to a multiple of 8. The same input gives the same bytes.
 *
 * @param entries  Ascending by name (UTF-16 code units), as their data will lie.
 * @param metadata Free text by key; written with keys sorted, left out when empty.
 * @throws RangeError when the names are not strictly ascending, or one is reserved.
 * @see https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensorsHeader(
  entries: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  assertWritableNames(entries);
  const keys = Object.keys(metadata).sort();
  const fields: [string, unknown][] = locateTensors(entries).map(({ name, dtype, shape, begin, end }) => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ]);
  if (keys.length > 0) fields.unshift([METADATA_KEY, Object.fromEntries(keys.map((key) => [key, metadata[key]]))]);

  // Written field by field: an object literal would move names that look like integers to the front.
  const json = new TextEncoder().encode(
    `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
  );
  const jsonBytes = Math.ceil(json.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  if (jsonBytes > MAX_HEADER_JSON_BYTES) throw new RangeError('the header would exceed MAX_HEADER_JSON_BYTES');
  const header = new Uint8Array(LENGTH_PREFIX_BYTES + jsonBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(jsonBytes), true);
  header.set(json, LENGTH_PREFIX_BYTES);
  return header;
}

/** Size of the whole file that `encodeSafetensorsHeader` starts. */
export function safetensorsByteLength(
  entries: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>> = {},
): number {
  const dataBytes = locateTensors(entries).at(-1)?.end ?? 0;
  return encodeSafetensorsHeader(entries, metadata).length + dataBytes;
}

/**
 * Where the data of a file starts, from its first eight bytes.
 *
 * @throws TributaryError SAFETENSORS_INVALID: `truncated` below eight bytes, `header-too-long` beyond MAX_HEADER_JSON_BYTES.
 */
export function safetensorsHeaderByteLength(prefix: Uint8Array): number {
  if (prefix.length < LENGTH_PREFIX_BYTES) throw safetensorsError('truncated', 'the length prefix is incomplete');
  const jsonBytes = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (jsonBytes > BigInt(MAX_HEADER_JSON_BYTES)) {
    throw safetensorsError('header-too-long', `${jsonBytes} bytes, at most ${MAX_HEADER_JSON_BYTES} are read`);
  }
  return LENGTH_PREFIX_BYTES + Number(jsonBytes);
}

/**
 * Reads a header and holds it to the format: every tensor's bytes fit its type and shape, and together they tile the
 * data without gap or overlap.
 *
 * @param bytes   The file's start, at least up to its data; more is ignored.
 * @param options `order: 'name'` (default) also wants the data in ascending order of names, as Tributary writes it;
 *                `'any'` is for files of other tools.
 * @throws TributaryError SAFETENSORS_INVALID with the broken rule as `context.fault`.
 */
export function decodeSafetensorsHeader(
  bytes: Uint8Array,
  { order = 'name' }: { readonly order?: 'name' | 'any' } = {},
): SafetensorsHeader {
  const headerBytes = safetensorsHeaderByteLength(bytes);
  if (bytes.length < headerBytes) throw safetensorsError('truncated', 'the JSON is incomplete');
  const fields = parseFields(bytes.subarray(LENGTH_PREFIX_BYTES, headerBytes));

  const metadata = metadataSchema.safeParse(fields.get(METADATA_KEY) ?? {});
  if (!metadata.success) throw safetensorsError('bad-entry', `${METADATA_KEY} must map text to text`);
  fields.delete(METADATA_KEY);

  const entries = Array.from(fields, ([name, value], index) => decodeEntry(name, value, index));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  assertTiled(entries);
  if (order === 'name') assertSorted(entries);
  return { entries, metadata: metadata.data, headerBytes, dataBytes: entries.at(-1)?.end ?? 0 };
}

function assertWritableNames(entries: readonly TensorEntry[]): void {
  let previous: string | undefined;
  for (const { name } of entries) {
    if (name === METADATA_KEY) throw new RangeError(`${METADATA_KEY} is not a tensor name`);
    if (previous !== undefined && name <= previous) throw new RangeError('tensor names must be strictly ascending');
    previous = name;
  }
}

function parseFields(json: Uint8Array): Map<string, unknown> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = JSON.parse(text);
  } catch {
    throw safetensorsError('not-json', 'the header is not UTF-8 JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw safetensorsError('not-json', 'the header must be a JSON object');
  }
  assertUniqueKeys(text);
  return new Map<string, unknown>(Object.entries(parsed));
}

/** JSON.parse keeps the last of two equal keys silently; two tensors of one name would hide data from the checks. */
function assertUniqueKeys(json: string): void {
  const tokens = json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g);
  const open: Set<string>[] = [];
  for (const [token, colon] of tokens) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      const key: unknown = JSON.parse(token.slice(0, -colon.length));
      const keys = open.at(-1);
      if (typeof key !== 'string' || keys?.has(key)) throw safetensorsError('duplicate-key', 'a key appears twice');
      keys?.add(key);
    }
  }
}

function decodeEntry(name: string, value: unknown, index: number): TensorLocation {
  const entry = entrySchema.safeParse(value);
  if (!entry.success) throw safetensorsError('bad-entry', `tensor ${index} lacks dtype, shape or data_offsets`);
  const { dtype, shape } = entry.data;
  const [begin, end] = entry.data.data_offsets;
  if (!isKnownDType(dtype)) throw safetensorsError('unknown-dtype', `tensor ${index} has a type that is not read`);
  if (end - begin !== byteLengthOrNaN({ dtype, shape })) {
    throw safetensorsError('bad-offsets', `tensor ${index} has bytes that do not fit its type and shape`);
  }
  return { name, dtype, shape, begin, end };
}

function byteLengthOrNaN(entry: Pick<TensorEntry, 'dtype' | 'shape'>): number {
  try {
    return tensorByteLength(entry);
  } catch {
    return Number.NaN;
  }
}

function assertTiled(entries: readonly TensorLocation[]): void {
  let expected = 0;
  for (const [index, { begin, end }] of entries.entries()) {
    if (begin > expected) throw safetensorsError('gap', `bytes ${expected} to ${begin} belong to no tensor`);
    if (begin < expected) throw safetensorsError('overlap', `tensor ${index} starts inside the one before`);
    expected = end;
  }
}

function assertSorted(entries: readonly TensorLocation[]): void {
  for (const [index, { name }] of entries.entries()) {
    const previous = entries[index - 1];
    if (previous && name <= previous.name) {
      throw safetensorsError('not-sorted', `tensor ${index} lies after a tensor of a later name`);
    }
  }
}
