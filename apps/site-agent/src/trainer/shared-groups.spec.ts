import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sharedGroups } from './shared-groups.js';

const labelsOf = (...counts: number[]): Int32Array =>
  Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)));

describe('sharedGroups', () => {
  it('sends every class that is large enough', () => {
    const { positions, groups } = sharedGroups(labelsOf(3, 4), 3);
    expect([...positions]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([...groups]).toEqual([0, 0, 0, 1, 1, 1, 1]);
  });

  it('leaves a single small class out, so that it cannot be found by subtraction', () => {
    const { positions, groups } = sharedGroups(labelsOf(3, 2), 3);
    expect([...positions]).toEqual([0, 1, 2]);
    expect([...groups]).toEqual([0, 0, 0]);
  });

  it('keeps small classes in the sum over all when together they are enough', () => {
    const { positions, groups } = sharedGroups(labelsOf(3, 2, 1), 3);
    expect([...positions]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...groups]).toEqual([0, 0, 0, -1, -1, -1]);
  });

  it('never lets a sum of fewer than the minimum be had, neither directly nor by subtraction', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { maxLength: 60 }), fc.integer({ min: 2, max: 9 }), (labels, minimum) => {
        const { groups } = sharedGroups(Int32Array.from(labels), minimum);
        for (const label of new Set(groups)) {
          expect(groups.filter((other) => other === label).length).toBeGreaterThanOrEqual(minimum);
        }
      }),
    );
  });
});
