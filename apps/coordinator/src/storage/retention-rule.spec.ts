import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { serverEmaSchema } from '@tributary/protocol';
import { keepsUpdates, keepsVersion, type RetentionRules } from './retention-rule.js';

const NOTHING: ReadonlySet<number> = new Set();

function rulesOf(weightsEvery?: number, serverEma: object = {}): RetentionRules {
  return { retention: { updateRounds: 0, weightsEvery }, serverEma: serverEmaSchema.parse(serverEma) };
}

function kept(latest: number, rules = rulesOf(), inUse = NOTHING): number[] {
  const rounds = Array.from({ length: latest + 1 }, (_, round) => round);
  return rounds.filter((round) => keepsVersion(round, { rules, latest, inUse }));
}

const powerFunction = rulesOf(undefined, { kind: 'power-function' });

describe('the retention rule', () => {
  it('keeps the first, the last two and milestones', () => {
    expect(kept(130)).toEqual([0, 1, 2, 5, 10, 20, 50, 100, 129, 130]);
  });

  it('keeps every so many rounds when the recipe asks for it', () => {
    expect(kept(13, rulesOf(4))).toEqual([0, 1, 2, 4, 5, 8, 10, 12, 13]);
  });

  it('never drops a version that is released or that a site trains from', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), fc.uniqueArray(fc.nat(3000), { maxLength: 5 }), (latest, used) => {
        const versions = kept(latest, rulesOf(), new Set(used));
        for (const round of used.filter((each) => each <= latest)) expect(versions).toContain(round);
        expect(versions).toContain(latest);
      }),
    );
  });

  it('keeps a number of versions that grows with the logarithm of the rounds', () => {
    expect(kept(100_000).length).toBeLessThanOrEqual(3 * 5 + 4);
  });

  it('keeps power-function averages at even distances, 16 to 31 of them however long the run is', () => {
    expect(kept(20, powerFunction)).toHaveLength(21);
    expect(kept(100, powerFunction).filter((round) => round % 4 === 0)).toHaveLength(26);
    expect(kept(100, rulesOf(40, { kind: 'power-function' }))).toEqual([0, 1, 2, 5, 10, 20, 40, 50, 80, 99, 100]);
    for (let latest = 32; latest <= 5000; latest += 97) {
      const others = kept(latest).length;
      expect(kept(latest, powerFunction).length).toBeLessThanOrEqual(others + 31);
      expect(kept(latest, powerFunction).length).toBeGreaterThanOrEqual(16);
    }
  });

  it('never wants a snapshot back that it let go before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (latest) => {
        const before = new Set(kept(latest, powerFunction));
        const lost = kept(latest + 1, powerFunction).filter((round) => round <= latest && !before.has(round));
        expect(lost).toEqual([]);
      }),
    );
  });

  it('drops updates when they were counted, or so many rounds later as the recipe says', () => {
    const published = (n: number, updateRounds: number) =>
      keepsUpdates({ n, isPublished: true }, { rules: { ...rulesOf(), retention: { updateRounds } }, latest: 7 });
    expect([5, 6, 7].map((n) => published(n, 0))).toEqual([false, false, false]);
    expect([5, 6, 7].map((n) => published(n, 2))).toEqual([false, true, true]);
    const rules = { ...rulesOf(), retention: { updateRounds: 9 } };
    expect(keepsUpdates({ n: 7, isPublished: false }, { rules, latest: 7 })).toBe(false);
  });
});
