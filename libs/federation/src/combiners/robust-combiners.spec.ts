import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { combineAll, describeCombiner, site, updatesArbitrary } from './combiner.spec-support.js';
import { coordinateMedian } from './coordinate-median.js';
import { multiKrum } from './multi-krum.js';
import { trimmedMean } from './trimmed-mean.js';

const sitesOf = (updates: readonly unknown[]) => updates.map((_, k) => site(`s${k}`));

describeCombiner('coordinate median', coordinateMedian, 1);
describeCombiner('trimmed mean', trimmedMean(0.2), 1);
describeCombiner('multi-Krum', multiKrum(1), 5);

describe('coordinate median', () => {
  it('takes the middle value, or the mean of the middle two', () => {
    expect(
      combineAll(coordinateMedian, sitesOf([1, 2, 3]), [
        [5, -1],
        [1, 7],
        [9, 2],
      ]),
    ).toEqual([5, 2]);
    expect(combineAll(coordinateMedian, sitesOf([1, 2, 3, 4]), [[5], [1], [9], [8]])).toEqual([6.5]);
  });

  it('splits the values in halves, also with more sites than are sorted by insertion', () => {
    fc.assert(
      fc.property(updatesArbitrary(31, 40), (updates) => {
        for (const [i, value] of combineAll(coordinateMedian, sitesOf(updates), updates).entries()) {
          const column = updates.map((update) => update[i] ?? NaN);
          expect(column.filter((other) => other < value).length * 2).toBeLessThanOrEqual(column.length);
          expect(column.filter((other) => other > value).length * 2).toBeLessThanOrEqual(column.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('trimmed mean', () => {
  it('leaves out a fifth at each end: (2 + 3 + 7) / 3 = 4', () => {
    expect(combineAll(trimmedMean(0.2), sitesOf([1, 2, 3, 4, 5]), [[7], [-900], [3], [1e6], [2]])).toEqual([4]);
  });

  it('is the plain mean when nothing is trimmed', () => {
    expect(combineAll(trimmedMean(0), sitesOf([1, 2]), [[1], [4]])).toEqual([2.5]);
  });

  it.each([-0.1, 0.5, NaN])('refuses to trim %p of the sites', (fraction) => {
    expect(() => trimmedMean(fraction)).toThrow(RangeError);
  });
});

describe('multi-Krum', () => {
  // On a line, n = 5, f = 1: the score sums the 2 nearest squared distances.
  // 0: 1 + 4 = 5; 1: 1 + 1 = 2; 2: 1 + 4 = 5 (to 1 and 0, or to 1 and 4); 4: 4 + 9 = 13; 100: 9216 + 9604.
  const updates = [[0], [1], [2], [4], [100]];

  it('selects the lowest scores and averages them', () => {
    expect(combineAll(multiKrum(1, 1), sitesOf(updates), updates)).toEqual([1]);
    expect(combineAll(multiKrum(1, 3), sitesOf(updates), updates)).toEqual([1]);
    expect(combineAll(multiKrum(1), sitesOf(updates), updates)).toEqual([7 / 4]);
  });

  it('never selects f far-off updates, wherever they lie', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.double({ min: 50, max: 1e6, noNaN: true }), (position, far) => {
        const attacked = [[0.1], [0.2], [0.3], [0.15]].toSpliced(position, 0, [far]);
        const [value] = combineAll(multiKrum(1), sitesOf(attacked), attacked);
        expect(value).toBeCloseTo(0.1875, 6);
      }),
    );
  });

  it('averages the selected among a group, and stands still where none of the group was selected', () => {
    expect(combineAll(multiKrum(1, 3), sitesOf(updates), updates, [0, 4])).toEqual([0]);
    expect(combineAll(multiKrum(1, 3), sitesOf(updates), updates, [2, 4])).toEqual([2]);
    expect(combineAll(multiKrum(1, 3), sitesOf(updates), updates, [4])).toEqual([0]);
  });

  it('needs 2f + 3 updates', () => {
    const few = updates.slice(0, 4);
    expect(() => combineAll(multiKrum(1), sitesOf(few), few)).toThrow(
      expect.objectContaining({ code: 'ROUND_QUORUM_NOT_MET', context: { updates: 4, needed: 5 } }),
    );
  });
});
