import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { areaUnderCurve } from './area-under-curve.js';

describe('areaUnderCurve', () => {
  it('agrees with scipy where scores tie', () => {
    // scipy.stats.mannwhitneyu(positives, negatives).statistic / (4 * 4)
    const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.2, 0.9, 0.4];
    expect(areaUnderCurve(scores, [0, 0, 1, 1, 1, 0, 1, 0])).toBe(0.8125);
  });

  it('is the share of pairs in the right order, ties as halves', () => {
    const cases = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(cases, (drawn) => {
        const positives = drawn.filter(([, positive]) => positive).map(([score]) => score);
        const negatives = drawn.filter(([, positive]) => !positive).map(([score]) => score);
        fc.pre(positives.length > 0 && negatives.length > 0);
        const wins = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
        const expected = wins.reduce((sum: number, win) => sum + win, 0) / wins.length;
        const isPositive = drawn.map(([, positive]) => (positive ? 1 : 0));
        expect(
          areaUnderCurve(
            drawn.map(([score]) => score),
            isPositive,
          ),
        ).toBeCloseTo(expected, 12);
      }),
    );
  });

  it('is one half for constant scores, one and zero for perfect and reversed ones', () => {
    expect(areaUnderCurve([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5);
    expect(areaUnderCurve([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(areaUnderCurve([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
  });

  it('refuses lengths that differ, a missing side, and NaN', () => {
    expect(() => areaUnderCurve([1], [1, 0])).toThrow('1 scores for 2');
    expect(() => areaUnderCurve([1, 2], [1, 1])).toThrow('positive and negative');
    expect(() => areaUnderCurve([1, NaN], [1, 0])).toThrow('not a number');
  });
});
