import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accumulateMoments } from './feature-moments.js';
import { plainColumns, sampleFeatures } from './sample-features.spec-support.js';

describe('accumulateMoments', () => {
  it('sums first, second and third powers in packed order', () => {
    const moments = accumulateMoments(Float32Array.of(1, 2, 3, -1), { dimensions: 2, order: 3 });
    expect(moments.pooled.count).toBe(2);
    expect([...moments.pooled.first]).toEqual([4, 1]);
    expect([...moments.pooled.second]).toEqual([1 + 9, 2 - 3, 4 + 1]);
    expect([...(moments.higher?.third ?? [])]).toEqual([1 + 27, 2 - 9, 4 + 3, 8 - 1]);
    expect(moments.higher?.normFourth).toBe(25 + 100);
    expect(moments.higher?.normSixth).toBe(125 + 1000);
  });

  it('keeps sums by class in label order and leaves unlabelled images to the pooled sums', () => {
    const groups = Int32Array.of(7, -1, 2, 7);
    const { groups: sums, pooled } = accumulateMoments(Float32Array.of(1, 10, 100, 1000), {
      dimensions: 1,
      order: 2,
      groups,
    });
    expect([...sums.keys()]).toEqual([2, 7]);
    expect([...(sums.get(7)?.first ?? [])]).toEqual([1001]);
    expect(sums.get(7)?.count).toBe(2);
    expect([...pooled.first]).toEqual([1111]);
  });

  it('leaves out third-order sums at order 2', () => {
    expect(accumulateMoments(Float32Array.of(1), { dimensions: 1, order: 2 }).higher).toBeUndefined();
  });

  it('does not depend on the order of the images beyond rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 20 }), (seed, count) => {
        const features = sampleFeatures(seed, count, plainColumns(3));
        const reversed = Float32Array.from({ length: features.length }, (_, at) => {
          return features[(count - 1 - Math.floor(at / 3)) * 3 + (at % 3)] ?? 0;
        });
        const forwards = accumulateMoments(features, { dimensions: 3, order: 3 });
        const backwards = accumulateMoments(reversed, { dimensions: 3, order: 3 });
        forwards.higher?.third.forEach((sum, at) => expect(backwards.higher?.third[at]).toBeCloseTo(sum, 9));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    [
      'features that are not whole rows',
      Float32Array.of(1, 2, 3),
      { dimensions: 2, order: 2 as const },
      'not rows of 2',
    ],
    ['a dimension count below one', Float32Array.of(), { dimensions: 0, order: 2 as const }, 'positive integer'],
    [
      'labels of another count',
      Float32Array.of(1),
      { dimensions: 1, order: 2 as const, groups: Int32Array.of(1, 2) },
      '2 labels for 1',
    ],
    [
      'a feature that is not finite',
      Float32Array.of(0, 1, 2, NaN),
      { dimensions: 2, order: 2 as const },
      'feature 1 of vector 1',
    ],
  ])('refuses %s', (_, features, options, message) => {
    expect(() => accumulateMoments(features, options)).toThrow(RangeError);
    expect(() => accumulateMoments(features, options)).toThrow(message);
  });
});
