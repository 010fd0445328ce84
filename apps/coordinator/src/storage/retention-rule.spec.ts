import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keepsUpdates, keepsVersion } from './retention-rule.js';

const NOTHING: ReadonlySet<number> = new Set();

function kept(latest: number, weightsEvery?: number, inUse = NOTHING): number[] {
  const retention = { updateRounds: 0, weightsEvery };
  const rounds = Array.from({ length: latest + 1 }, (_, round) => round);
  return rounds.filter((round) => keepsVersion(round, { retention, latest, inUse }));
}

describe('the retention rule', () => {
  it('keeps the first, the last two and milestones', () => {
    expect(kept(130)).toEqual([0, 1, 2, 5, 10, 20, 50, 100, 129, 130]);
  });

  it('keeps every so many rounds when the recipe asks for it', () => {
    expect(kept(13, 4)).toEqual([0, 1, 2, 4, 5, 8, 10, 12, 13]);
  });

  it('never drops a version that is released or that a site trains from', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), fc.uniqueArray(fc.nat(3000), { maxLength: 5 }), (latest, used) => {
        const versions = kept(latest, undefined, new Set(used));
        for (const round of used.filter((each) => each <= latest)) expect(versions).toContain(round);
        expect(versions).toContain(latest);
      }),
    );
  });

  it('keeps a number of versions that grows with the logarithm of the rounds', () => {
    expect(kept(100_000).length).toBeLessThanOrEqual(3 * 5 + 4);
  });

  it('drops updates when they were counted, or so many rounds later as the recipe says', () => {
    const published = (n: number, updateRounds: number) =>
      keepsUpdates({ n, isPublished: true }, { retention: { updateRounds }, latest: 7 });
    expect([5, 6, 7].map((n) => published(n, 0))).toEqual([false, false, false]);
    expect([5, 6, 7].map((n) => published(n, 2))).toEqual([false, true, true]);
    expect(keepsUpdates({ n: 7, isPublished: false }, { retention: { updateRounds: 9 }, latest: 7 })).toBe(false);
  });
});
