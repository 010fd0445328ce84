import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TributaryError } from './errors.js';
import {
  decodeSafetensorsHeader,
  encodeSafetensorsHeader,
  MAX_HEADER_JSON_BYTES,
  safetensorsByteLength,
  safetensorsHeaderByteLength,
  type TensorEntry,
} from './safetensors.js';

/** A header around any JSON text, as another (or a hostile) writer might send it. */
function headerOf(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function faultOf(bytes: Uint8Array, options?: { order: 'name' | 'any' }): string | undefined {
  try {
    decodeSafetensorsHeader(bytes, options);
    return undefined;
  } catch (error) {
    return error instanceof TributaryError ? String(error.context['fault']) : String(error);
  }
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe('encodeSafetensorsHeader', () => {
  it('writes the bytes that the format describes', () => {
    const bytes = encodeSafetensorsHeader([{ name: 'a', dtype: 'F32', shape: [2, 3] }], { format: 'pt' });
    const json = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}';
    // 88 characters: a multiple of 8, so no padding.
    expect(json.length).toBe(88);
    expect(Buffer.from(bytes.subarray(0, 8)).toString('hex')).toBe('5800000000000000');
    expect(new TextDecoder().decode(bytes.subarray(8))).toBe(json);
  });

  it('pads with spaces so that data starts at a multiple of eight', () => {
    const bytes = encodeSafetensorsHeader([{ name: 'weight', dtype: 'U8', shape: [] }]);
    expect(bytes.length % 8).toBe(0);
    expect(bytes.at(-1)).toBe(0x20);
  });

  it('refuses names that are unsorted, equal or reserved', () => {
    const named = (...names: string[]) => names.map((name): TensorEntry => ({ name, dtype: 'F32', shape: [1] }));
    expect(() => encodeSafetensorsHeader(named('b', 'a'))).toThrow(RangeError);
    expect(() => encodeSafetensorsHeader(named('a', 'a'))).toThrow(RangeError);
    expect(() => encodeSafetensorsHeader(named('__metadata__'))).toThrow(RangeError);
  });

  it('refuses shapes whose bytes cannot be counted exactly', () => {
    expect(() => encodeSafetensorsHeader([{ name: 'a', dtype: 'F32', shape: [2 ** 30, 2 ** 30] }])).toThrow(RangeError);
    expect(() => encodeSafetensorsHeader([{ name: 'a', dtype: 'F32', shape: [1.5] }])).toThrow(RangeError);
  });
});

describe('decodeSafetensorsHeader', () => {
  it('gives back what was encoded, with offsets and sizes', () => {
    const entryArbitrary = fc.record({
      name: fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
      dtype: fc.constantFrom('F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'U8'),
      shape: fc.array(fc.nat(6), { maxLength: 4 }),
    });
    const entriesArbitrary = fc.uniqueArray(entryArbitrary, { selector: ({ name }) => name });
    const metadataArbitrary = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.string(),
    );
    fc.assert(
      fc.property(entriesArbitrary, metadataArbitrary, (unsorted, metadata) => {
        const entries = unsorted.toSorted((a, b) => (a.name < b.name ? -1 : 1)) satisfies readonly TensorEntry[];
        const bytes = encodeSafetensorsHeader(entries, metadata);
        const header = decodeSafetensorsHeader(bytes, { order: 'any' });
        expect(header.entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
          expect.arrayContaining(entries),
        );
        expect(header.entries).toHaveLength(entries.length);
        expect({ ...header.metadata }).toEqual({ ...metadata });
        expect(header.headerBytes).toBe(bytes.length);
        expect(header.headerBytes + header.dataBytes).toBe(safetensorsByteLength(entries, metadata));
      }),
    );
  });

  it('reads integer-like names, which JavaScript objects reorder, in the order of their data', () => {
    const entries: TensorEntry[] = ['10', '9', 'a'].map((name) => ({ name, dtype: 'F32', shape: [1] }));
    expect(decodeSafetensorsHeader(encodeSafetensorsHeader(entries)).entries.map(({ name }) => name)).toEqual([
      '10',
      '9',
      'a',
    ]);
  });

  it('takes files of other writers whose data is not sorted by name only when asked to', () => {
    const foreign = headerOf(`{"b":${tensor(0, 8)},"a":${tensor(8, 12)}}`);
    expect(decodeSafetensorsHeader(foreign, { order: 'any' }).entries.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(faultOf(foreign)).toBe('not-sorted');
  });

  it.each([
    ['truncated', new Uint8Array(7)],
    ['truncated', headerOf('{}').subarray(0, 9)],
    ['not-json', headerOf('{"a":')],
    ['not-json', headerOf('[]')],
    ['not-json', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff)],
    ['duplicate-key', headerOf(`{"a":${tensor(0, 4)},"\\u0061":${tensor(0, 4)}}`)],
    ['duplicate-key', headerOf('{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}')],
    ['bad-entry', headerOf('{"a":1}')],
    ['bad-entry', headerOf('{"__metadata__":{"a":1}}')],
    ['bad-entry', headerOf('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}')],
    ['bad-entry', headerOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":0}}')],
    ['unknown-dtype', headerOf(`{"a":${tensor(0, 4, [1], 'F8')}}`)],
    ['unknown-dtype', headerOf(`{"a":${tensor(0, 4, [1], 'toString')}}`)],
    ['bad-offsets', headerOf(`{"a":${tensor(0, 8, [1])}}`)],
    ['bad-offsets', headerOf(`{"a":${tensor(8, 4, [1])}}`)],
    ['bad-offsets', headerOf(`{"a":${tensor(0, 4, [2 ** 50, 2 ** 50])}}`)],
    ['gap', headerOf(`{"a":${tensor(0, 4)},"b":${tensor(8, 12)}}`)],
    ['gap', headerOf(`{"a":${tensor(4, 8)}}`)],
    ['overlap', headerOf(`{"a":${tensor(0, 8)},"b":${tensor(4, 12)}}`)],
    ['overlap', headerOf(`{"a":${tensor(0, 4)},"b":${tensor(0, 4)}}`)],
  ])('refuses a header that is %s', (fault, bytes) => {
    expect(faultOf(bytes, { order: 'any' })).toBe(fault);
  });

  it('refuses a header that announces more JSON than is ever read, before reading it', () => {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(MAX_HEADER_JSON_BYTES + 1), true);
    expect(faultOf(prefix)).toBe('header-too-long');
    new DataView(prefix.buffer).setBigUint64(0, 2n ** 64n - 1n, true);
    expect(() => safetensorsHeaderByteLength(prefix)).toThrow(TributaryError);
  });

  it('never answers arbitrary bytes with anything but SAFETENSORS_INVALID', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (json) => {
        expect(faultOf(headerOf(json)) ?? 'accepted').not.toMatch(/Error/);
      }),
    );
  });
});
