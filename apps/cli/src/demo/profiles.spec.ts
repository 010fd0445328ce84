import { describe, expect, it } from '@jest/globals';
import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { recordRecipe } from '@tributary/protocol/recorded-recipe';
import { demoSites, pooledClass } from './demo-sites.js';
import { PROFILES, demoRecipe } from './profiles.js';

const federated = { profile: 'quick', seed: 7, pooled: false } as const;

describe('the demo’s recipe', () => {
  it.each(['quick', 'full'] as const)('is valid for the %s profile', (profile) => {
    const recipe = demoRecipe({ options: { ...federated, profile }, classes: PHANTOM_CLASSES, siteCount: 3 });
    expect(recipe.image.sizePx).toBe(PROFILES[profile].imageSizePx);
    expect(recipe.evaluation.scarceClasses).toEqual([
      'base-lesion',
      'ganglia-lesion',
      'ventricles-lesion',
      'vertex-lesion',
    ]);
  });

  it('asks for one site fewer than there are, and for the only one', () => {
    const quorum = (siteCount: number): number =>
      demoRecipe({ options: federated, classes: PHANTOM_CLASSES, siteCount }).rounds.quorum;
    expect([1, 2, 3, 8].map(quorum)).toEqual([1, 1, 2, 7]);
  });

  it('gives the pooled site as many steps as all sites together have', () => {
    const classes = demoSites(3).flatMap(({ name }) => PHANTOM_CLASSES.map((each) => pooledClass(name, each)));
    const shared = demoRecipe({ options: federated, classes: PHANTOM_CLASSES, siteCount: 3 });
    const pooled = demoRecipe({ options: { ...federated, pooled: true }, classes, siteCount: 3 });
    expect(pooled.rounds.count * pooled.rounds.localSteps).toBe(3 * shared.rounds.count * shared.rounds.localSteps);
    expect(pooled.evaluation.samplesPerSite).toBe(3 * shared.evaluation.samplesPerSite);
    expect(pooled.classes).toHaveLength(24);
  });

  it('is the same recipe for the same flags and another one for another seed', () => {
    const hash = (seed: number): string =>
      recordRecipe(demoRecipe({ options: { ...federated, seed }, classes: PHANTOM_CLASSES, siteCount: 3 }))
        .recipeSha256;
    expect(hash(7)).toBe(hash(7));
    expect(hash(8)).not.toBe(hash(7));
  });
});
