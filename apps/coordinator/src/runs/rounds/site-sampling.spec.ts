import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Recipe } from '@tributary/protocol';
import { chooseSites } from './site-sampling.js';

const NOON = new Date('2026-07-01T12:00:00Z');
const NIGHT = { from: '20:00', until: '06:00', timeZone: 'UTC' };
const names = (count: number) => Array.from({ length: count }, (_, index) => `site-${String(index).padStart(3, '0')}`);
const sites = (count: number) => names(count).map((id) => ({ id, trainingHours: null }));

function recipe(sampling: Recipe['rounds']['sampling'], quorum = 1) {
  const rounds = { count: 10, localSteps: 1, batchSize: 1, deadlineSeconds: 60, quorum, minImages: 1, maxAttempts: 5 };
  return { seed: 7, rounds: { ...rounds, sampling } };
}

const drawn = (count: number, size: number, { n = 1, attempt = 0 } = {}): readonly string[] => {
  const choice = chooseSites(sites(count), { recipe: recipe({ kind: 'random', sites: size }), n, attempt }, NOON);
  return choice.kind === 'ask' ? choice.siteIds : [];
};

describe('the choice of sites', () => {
  it('asks all sites by default', () => {
    const choice = chooseSites(sites(3), { recipe: recipe({ kind: 'all' }), n: 1, attempt: 0 }, NOON);
    expect(choice).toEqual({ kind: 'ask', siteIds: names(3) });
  });

  it('draws so many different sites, the same for the same seed, round and attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), fc.nat(1000), (count, size, n) => {
        const chosen = drawn(count, size, { n });
        expect(new Set(chosen).size).toBe(Math.min(count, size));
        expect(names(count)).toEqual(expect.arrayContaining([...chosen]));
        expect(drawn(count, size, { n })).toEqual(chosen);
      }),
    );
  });

  it('draws every site equally often: within 5 standard deviations of a binomial', () => {
    const [rounds, count, size] = [2000, 10, 3];
    const times = new Map<string, number>();
    for (let n = 1; n <= rounds; n++)
      for (const id of drawn(count, size, { n })) times.set(id, (times.get(id) ?? 0) + 1);
    const share = size / count;
    const deviation = Math.sqrt(rounds * share * (1 - share));
    for (const id of names(count)) expect(Math.abs((times.get(id) ?? 0) - rounds * share)).toBeLessThan(5 * deviation);
  });

  it('draws others at another attempt', () => {
    const attempts = [0, 1, 2, 3].map((attempt) => drawn(20, 3, { attempt }).join());
    expect(new Set(attempts).size).toBeGreaterThan(1);
  });

  it('leaves out sites outside of their hours, and waits when the others are no quorum', () => {
    const mixed = [...sites(2), { id: 'site-night', trainingHours: NIGHT }];
    const choose = (quorum: number, now = NOON) =>
      chooseSites(mixed, { recipe: recipe({ kind: 'all' }, quorum), n: 1, attempt: 0 }, now);
    expect(choose(2)).toEqual({ kind: 'ask', siteIds: names(2) });
    expect(choose(3)).toEqual({
      kind: 'wait',
      until: new Date('2026-07-01T20:00:00Z'),
      for: 'the training hours of site-night (from 20:00 UTC)',
    });
    expect(choose(3, new Date('2026-07-01T23:00:00Z')).kind).toBe('ask');
  });
});
