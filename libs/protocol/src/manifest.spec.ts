import { describe, expect, it } from '@jest/globals';
import { manifestHash } from './manifest-hash.js';
import { manifestLocations, parameterCount, parameterManifestSchema, type ParameterManifest } from './manifest.js';

const manifest: ParameterManifest = [
  { name: 'conv.bias', shape: [3] },
  { name: 'conv.weight', shape: [3, 2, 1, 1] },
  { name: 'scale', shape: [] },
];

describe('parameterManifestSchema', () => {
  it('accepts names in ascending order', () => {
    expect(parameterManifestSchema.parse(manifest)).toEqual(manifest);
  });

  it.each([
    ['an empty list', []],
    ['unsorted names', manifest.toReversed()],
    ['equal names', [manifest[0], manifest[0]]],
    ['a reserved name', [{ name: '__metadata__', shape: [1] }]],
    ['an empty parameter', [{ name: 'a', shape: [0] }]],
    ['a fractional dimension', [{ name: 'a', shape: [1.5] }]],
    ['an unknown field', [{ name: 'a', shape: [1], offset: 0 }]],
    ['a vector of 2^53 bytes', [{ name: 'a', shape: [2 ** 40, 2 ** 11] }]],
  ])('refuses %s', (_, value) => {
    expect(parameterManifestSchema.safeParse(value).success).toBe(false);
  });
});

describe('manifest arithmetic', () => {
  it('counts 3 + 6 + 1 numbers and lays them out contiguously', () => {
    expect(parameterCount(manifest)).toBe(10);
    expect(manifestLocations(manifest).map(({ begin, end }) => [begin, end])).toEqual([
      [0, 12],
      [12, 36],
      [36, 40],
    ]);
  });
});

describe('manifestHash', () => {
  it('is the SHA-256 of the safetensors header, so any tool can check it', () => {
    // printf '\x38\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  ' | sha256sum
    expect(manifestHash([{ name: 'a', shape: [1] }])).toBe(
      'bb7c6206497445a1855b6e38183dbf8eb3343f176df360eb5e222ef4b6413257',
    );
  });

  it('changes with a name, a shape or the division into parameters', () => {
    const hashes = [
      [{ name: 'a', shape: [4] }],
      [{ name: 'b', shape: [4] }],
      [{ name: 'a', shape: [2, 2] }],
      [
        { name: 'a', shape: [2] },
        { name: 'b', shape: [2] },
      ],
    ].map(manifestHash);
    expect(new Set(hashes).size).toBe(4);
  });
});
