import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { sampleEvaluation } from './sample-evaluation.spec-support.js';
import { scoreSites, type ScoreOptions } from './score-sites.js';
import type { SiteEvaluation } from './site-evaluation.js';

const TISSUES = { mergedClass: (label: number) => Math.floor(label / 2) };

function score(sites: readonly SiteEvaluation[], options: Omit<ScoreOptions, 'normal'> = TISSUES) {
  const random = randomStream(3, 'draws');
  return scoreSites(sites, { ...options, normal: () => random.normal() });
}

const faithful = [0, 1, 2].map((site) => sampleEvaluation({ site, shift: 0 }));

/** A generator that makes every site's images with the first site's scanner. */
const averaged = faithful.map((site) => ({
  ...site,
  after: { features: faithful[0]?.after.features ?? new Float32Array(), labels: site.after.labels },
}));

describe('scoreSites', () => {
  it('gives a faithful generator distances like real ones and nearly full shares', () => {
    const scores = score(faithful);
    expect(scores.before.fd).toBeCloseTo(6 * 10 ** 2, -1);
    expect(scores.after.fd).toBeLessThan(3 * scores.realFd);
    expect(scores.after.fd).toBeLessThan(scores.before.fd / 100);
    expect(scores.after.kid).toBeLessThan(scores.before.kid / 100);
    expect(scores.diversity).toBeCloseTo(1, 1);
    expect(scores.classShare).toBeGreaterThan(0.95);
    expect(scores.siteShare).toBeGreaterThan(0.95);
    expect(scores.realClassShare).toBeGreaterThan(0.95);
    expect(scores.realSiteShare).toBeGreaterThan(0.95);
    expect(scores.heldOutImages).toBe(120);
    expect(scores.syntheticImages).toBe(120);
  });

  it('shows that a generator lost the sites apart while it kept the classes', () => {
    const scores = score(averaged);
    expect(scores.siteShare).toBeCloseTo(1 / 3, 1);
    expect(scores.classShare).toBeGreaterThan(0.95);
    expect(scores.realSiteShare).toBeGreaterThan(0.95);
  });

  it('pools the utilities of the sites that have one', () => {
    const [first, ...others] = faithful;
    if (!first) throw new Error('no sites');
    expect(score([{ ...first, utility: null }, ...others]).utility?.testLesions).toBe(40);
    expect(score(faithful.map((site) => ({ ...site, utility: null }))).utility).toBeNull();
  });

  it('has no shares without two classes of real training images', () => {
    const unlabelled = faithful.map((site) => ({ ...site, train: { ...site.train, groups: new Map() } }));
    expect(score(unlabelled)).toMatchObject({
      classShare: null,
      siteShare: null,
      realClassShare: null,
      realSiteShare: null,
    });
  });

  it('gives the same bits for the same draws', () => {
    expect(score(faithful)).toEqual(score(faithful));
  });

  it('refuses sites with features of another extractor, and none', () => {
    const [first, second] = faithful;
    if (!first || !second) throw new Error('no sites');
    const stranger = { ...second, heldOut: { ...second.heldOut, extractor: 'other' } };
    expect(() => score([first, stranger])).toThrow("extractor 'other'");
    expect(() => score([])).toThrow(RangeError);
  });
});
