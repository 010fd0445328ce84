import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { initSurvey, surveyWindow } from '../aggregation/survey.js';
import type { Combiner, SiteContribution } from './combiner.js';

export function site(siteId: string, facts: Partial<SiteContribution> = {}): SiteContribution {
  return { siteId, images: 10, localSteps: 5, staleness: 0, ...facts };
}

/** Combines whole vectors with one call, as a reader of the paper would. */
export function combineAll(
  combiner: Combiner,
  sites: readonly SiteContribution[],
  updates: readonly (readonly number[])[],
  group = sites.map((_, index) => index),
): number[] {
  const windows = updates.map((update) => Float32Array.from(update));
  const survey = initSurvey(sites.length, { distances: combiner.survey === 'distances' });
  surveyWindow(survey, windows);
  const round = { sites, survey: { ...survey } };
  const delta = new Float64Array(updates[0]?.length ?? 0).fill(NaN);
  combiner.prepare(round)(group)(
    group.flatMap((index) => windows[index] ?? []),
    delta,
  );
  return [...delta];
}

/** Float32 numbers, so that tests compare exact sums. */
export const float32 = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 });

/** Same-length updates of several sites. */
export function updatesArbitrary(minSites: number, maxSites = minSites + 5) {
  return fc
    .tuple(fc.integer({ min: minSites, max: maxSites }), fc.integer({ min: 1, max: 9 }))
    .chain(([sites, length]) =>
      fc.array(fc.array(float32, { minLength: length, maxLength: length }), { minLength: sites, maxLength: sites }),
    );
}

/** What every combiner that answers with some mean of the updates must do. */
export function describeCombiner(name: string, combiner: Combiner, minSites: number): void {
  const sitesFor = (updates: readonly unknown[]) =>
    updates.map((_, k) => site(`s${k}`, { images: 3 + k, localSteps: 7 }));

  describe(`${name} as a combiner`, () => {
    it('gives back what all sites agree on', () => {
      fc.assert(
        fc.property(fc.array(float32, { minLength: 1, maxLength: 9 }), (update) => {
          const updates = Array.from({ length: minSites + 1 }, () => update);
          for (const [i, value] of combineAll(combiner, sitesFor(updates), updates).entries()) {
            expect(value).toBeCloseTo(update[i] ?? NaN, 9);
          }
        }),
      );
    });

    it('stays between the smallest and the largest value of every coordinate', () => {
      fc.assert(
        fc.property(updatesArbitrary(minSites), (updates) => {
          for (const [i, value] of combineAll(combiner, sitesFor(updates), updates).entries()) {
            const column = updates.map((update) => update[i] ?? NaN);
            expect(value).toBeGreaterThanOrEqual(Math.min(...column) - 1e-9);
            expect(value).toBeLessThanOrEqual(Math.max(...column) + 1e-9);
          }
        }),
      );
    });
  });
}
