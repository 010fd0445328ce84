import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { proportionalLabels } from './label-quota.js';

describe('proportionalLabels', () => {
  it('gives the seats of a known apportionment by largest remainders', () => {
    // 47, 16, 15.8, 12, 6.1 and 3.1 of 100 for 10 seats: 5, 2, 1, 1, 1, 0 (Hamilton's method, worked by hand:
    // whole seats 4 1 1 1 0 0, remainders .7 .6 .58 .2 .61 .31, three seats left to .7, .61, .6).
    const votes = [470, 160, 158, 120, 61, 31];
    const labels = Int32Array.from(votes.flatMap((count, label) => new Array<number>(count).fill(label)));
    const seats = proportionalLabels(labels, 10);
    expect([0, 1, 2, 3, 4, 5].map((label) => seats.filter((seat) => seat === label).length)).toEqual([
      5, 2, 1, 1, 1, 0,
    ]);
  });

  it('gives as many labels as asked for, each within one of its exact share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 300 }),
        (labels, count) => {
          const quota = proportionalLabels(Int32Array.from(labels), count);
          expect(quota).toHaveLength(count);
          for (const label of new Set(labels)) {
            const exact = (labels.filter((other) => other === label).length * count) / labels.length;
            expect(Math.abs(quota.filter((other) => other === label).length - exact)).toBeLessThan(1);
          }
        },
      ),
    );
  });
});
