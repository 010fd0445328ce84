import { z } from 'zod';
import { spreadOf, spreadSchema, type Spread } from './spread.js';

/** What synthetic images are worth to a lesion classifier at one site: its area under the ROC curve on held-out patients. */
export const utilitySchema = z.strictObject({
  realOnly: spreadSchema,
  withSynthetic: spreadSchema,
  trainLesions: z.int().min(0),
  syntheticLesions: z.int().min(0),
  testLesions: z.int().min(1),
  testHealthy: z.int().min(1),
});
export type Utility = z.infer<typeof utilitySchema>;

/**
 * The sites' utilities together, seed by seed: each site's area counts by its (lesion, healthy) test pairs, because an area
 * is a share of pairs. Pairs across sites are not compared.
 * @throws RangeError for no sites or different numbers of seeds.
 */
export function poolUtilities(sites: readonly Utility[]): Utility {
  return {
    realOnly: poolAreas(sites, ({ realOnly }) => realOnly),
    withSynthetic: poolAreas(sites, ({ withSynthetic }) => withSynthetic),
    trainLesions: total(sites.map((site) => site.trainLesions)),
    syntheticLesions: total(sites.map((site) => site.syntheticLesions)),
    testLesions: total(sites.map((site) => site.testLesions)),
    testHealthy: total(sites.map((site) => site.testHealthy)),
  };
}

function poolAreas(sites: readonly Utility[], areas: (site: Utility) => Spread): Spread {
  const seeds = sites[0] ? areas(sites[0]).perSeed.length : 0;
  if (sites.some((site) => areas(site).perSeed.length !== seeds))
    throw new RangeError('the sites measured different numbers of seeds');
  const pairs = sites.map(({ testLesions, testHealthy }) => testLesions * testHealthy);
  const perSeed = Array.from({ length: seeds }, (_, seed) => {
    const weighted = sites.map((site, at) => (areas(site).perSeed[seed] ?? 0) * (pairs[at] ?? 0));
    return total(weighted) / total(pairs);
  });
  return spreadOf(perSeed);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
