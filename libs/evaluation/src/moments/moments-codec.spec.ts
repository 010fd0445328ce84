import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accumulateMoments } from './feature-moments.js';
import { decodeMoments, encodeMoments, momentsFromJson, momentsToJson } from './moments-codec.js';
import { plainColumns, sampleFeatures } from './sample-features.spec-support.js';

const moments = accumulateMoments(sampleFeatures(1, 10, plainColumns(3)), {
  dimensions: 3,
  order: 3,
  groups: Int32Array.from({ length: 10 }, (_, image) => image % 2),
  extractor: 'e',
});

describe('moments codec', () => {
  it('brings back the same moments from the flat form and from JSON text', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(2 as const, 3 as const),
        fc.integer({ min: 1, max: 4 }),
        (count, dimensions, order, classes) => {
          const features = sampleFeatures(count + 1, count, plainColumns(dimensions));
          const groups = Int32Array.from({ length: count }, (_, image) => (image % classes) - 1);
          const original = accumulateMoments(features, { dimensions, order, groups, extractor: 'x' });
          const { header, values } = encodeMoments(original);
          expect(encodeMoments(decodeMoments(header, values))).toEqual({ header, values });
          const text = JSON.stringify(momentsToJson(original));
          expect(encodeMoments(momentsFromJson(JSON.parse(text)))).toEqual({ header, values });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('writes little-endian float64 in the documented order', () => {
    const one = accumulateMoments(Float32Array.of(2, 3), { dimensions: 2, order: 3 });
    const bytes = Buffer.from(momentsToJson(one).values, 'base64');
    const values = Array.from({ length: bytes.length / 8 }, (_, at) => bytes.readDoubleLE(at * 8));
    expect(values).toEqual([2, 3, 4, 6, 9, 8, 12, 18, 27, 13 ** 2, 13 ** 3]);
  });

  it.each([
    ['another format', { format: 'other' }],
    ['an unknown field', { patients: 3 }],
    ['order 4', { order: 4 }],
    ['a negative count', { count: -1 }],
    ['groups with more images than there are', { groups: [{ label: 0, count: 11 }] }],
    ['groups out of order', { groups: [...encodeMoments(moments).header.groups].reverse() }],
  ])('refuses a header with %s', (_, change) => {
    const { header, values } = encodeMoments(moments);
    expect(() => decodeMoments({ ...header, ...change }, values)).toThrow(/"path"/);
  });

  it('refuses values that are too few, not finite, or impossible as sums of powers', () => {
    const { header, values } = encodeMoments(moments);
    expect(() => decodeMoments(header, values.subarray(1))).toThrow('were expected');
    expect(() =>
      decodeMoments(
        header,
        values.map((value, at) => (at === 3 ? Infinity : value)),
      ),
    ).toThrow('not finite');
    expect(() =>
      decodeMoments(
        header,
        values.map((value, at) => (at === 0 ? 1e6 : value)),
      ),
    ).toThrow('sums of powers');
    expect(() =>
      decodeMoments({ ...header, count: 0, groups: header.groups.map((group) => ({ ...group, count: 0 })) }, values),
    ).toThrow('sums of powers');
  });

  it('refuses base64 that is not whole numbers', () => {
    const json = momentsToJson(moments);
    expect(() => momentsFromJson({ ...json, values: 'AAAA' })).toThrow('whole float64');
    expect(() => momentsFromJson({ ...json, values: '?' })).toThrow(/base64/);
  });
});
