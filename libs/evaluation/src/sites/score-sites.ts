import { accuracy, confusionOf, poolConfusions, regroupConfusion, type Confusion } from '../discriminant/confusion.js';
import { classify, type Discriminant } from '../discriminant/discriminant.js';
import { expectedConfusion } from '../discriminant/expected-confusion.js';
import { fitDiscriminant } from '../discriminant/fit-discriminant.js';
import { accumulateMoments, type FeatureMoments } from '../moments/feature-moments.js';
import { poolMoments, regroupMoments } from '../moments/pool-moments.js';
import { diversityRatio } from '../scores/diversity.js';
import { frechetDistance } from '../scores/frechet-distance.js';
import { kernelDistance } from '../scores/kernel-distance.js';
import { poolUtilities, type Utility } from '../scores/utility.js';
import type { SiteEvaluation, SyntheticFeatures } from './site-evaluation.js';

/** Toward the diagonal; 1 to 5 % was best on phantom images of 32 and 64 pixels. */
const SHRINKAGE = 0.02;
/** A (site, class) pair of fewer real images is left out of the classifier. */
const MINIMUM_GROUP = 8;
const DRAWS_PER_IMAGE = 20;

export interface ScoreOptions {
  /**
   * Merges classes that the classifier need not tell apart, e.g. a slab with and without lesion: the merged class of a
   * class index. Default: no merging.
   */
  readonly mergedClass?: (label: number) => number;
  /** A standard normal number at each call, from a seeded stream. */
  readonly normal: () => number;
}

export interface DistanceScores {
  readonly fd: number;
  readonly kid: number;
}

/** Scores of one generator against the held-out images of all sites. */
export interface SiteScores {
  readonly before: DistanceScores;
  readonly after: DistanceScores;
  /** Frechet distance of real training images to real held-out ones: what a perfect generator could reach. */
  readonly realFd: number;
  /** Spread of the synthetic images over that of the held-out ones. */
  readonly diversity: number;
  /** Shares 0..1 of synthetic images that the classifier puts into the class, and the site, they were made for. Null if it could not be built. */
  readonly classShare: number | null;
  readonly siteShare: number | null;
  /** The same shares of real held-out images, estimated from their moments (`expectedConfusion`). */
  readonly realClassShare: number | null;
  readonly realSiteShare: number | null;
  readonly utility: Utility | null;
  readonly heldOutImages: number;
  readonly syntheticImages: number;
}

/**
 * All scores of an evaluation, from what the sites sent.
 * @param sites in the order of their ids, which is also the order of the sums.
 * @throws RangeError if extractors differ, or there are fewer than two held-out or synthetic images in all.
 */
export function scoreSites(sites: readonly SiteEvaluation[], options: ScoreOptions): SiteScores {
  const heldOut = poolMoments(sites.map((site) => site.heldOut));
  const after = pooledSynthetic(sites, (site) => site.after);
  const utilities = sites.flatMap(({ utility }) => (utility ? [utility] : []));
  return {
    before: distances(
      pooledSynthetic(sites, (site) => site.before),
      heldOut,
    ),
    after: distances(after, heldOut),
    realFd: frechetDistance(poolMoments(sites.map((site) => site.train)), heldOut),
    diversity: diversityRatio(after.pooled, heldOut.pooled),
    ...classifierShares(sites, options),
    utility: utilities.length > 0 ? poolUtilities(utilities) : null,
    heldOutImages: heldOut.pooled.count,
    syntheticImages: after.pooled.count,
  };
}

function distances(synthetic: FeatureMoments, heldOut: FeatureMoments): DistanceScores {
  return { fd: frechetDistance(synthetic, heldOut), kid: kernelDistance(synthetic, heldOut) };
}

function pooledSynthetic(
  sites: readonly SiteEvaluation[],
  pick: (site: SiteEvaluation) => SyntheticFeatures,
): FeatureMoments {
  return poolMoments(
    sites.map((site) => {
      const { extractor, dimensions } = site.heldOut;
      return accumulateMoments(pick(site).features, { dimensions, order: 3, extractor });
    }),
  );
}

type Shares = Pick<SiteScores, 'classShare' | 'siteShare' | 'realClassShare' | 'realSiteShare'>;

/**
 * One discriminant tells all (site, class) pairs apart; class and site are read off its answer. That is much better than
 * one for classes and one for sites, because a class looks different at every site.
 */
function classifierShares(
  sites: readonly SiteEvaluation[],
  { mergedClass = (label) => label, normal }: ScoreOptions,
): Shares {
  const pairs: PairLabels = { sites: sites.length, mergedClass };
  const train = largeGroups(sites.map((site, at) => pairMoments(site.train, at, pairs)));
  if (train.groups.size < 2) return { classShare: null, siteShare: null, realClassShare: null, realSiteShare: null };
  const discriminant = fitDiscriminant(train, { kind: 'quadratic', shrinkage: SHRINKAGE });
  const heldOut = largeGroups(sites.map((site, at) => pairMoments(site.heldOut, at, pairs)));
  const real = expectedConfusion(discriminant, heldOut, { normal, drawsPerImage: DRAWS_PER_IMAGE });
  const synthetic = poolConfusions(
    sites.map(({ after }, at) => syntheticConfusion(discriminant, after, { at, pairs })),
  );
  return {
    classShare: share(synthetic, (pair) => Math.floor(pair / pairs.sites)),
    siteShare: share(synthetic, (pair) => pair % pairs.sites),
    realClassShare: share(real, (pair) => Math.floor(pair / pairs.sites)),
    realSiteShare: share(real, (pair) => pair % pairs.sites),
  };
}

/** How a (site, class) pair becomes one label: `mergedClass * sites + site`. */
interface PairLabels {
  readonly sites: number;
  readonly mergedClass: (label: number) => number;
}

function pairMoments(moments: FeatureMoments, site: number, { sites, mergedClass }: PairLabels): FeatureMoments {
  return regroupMoments(moments, (label) => mergedClass(label) * sites + site);
}

function largeGroups(parts: readonly FeatureMoments[]): FeatureMoments {
  const pooled = poolMoments(parts);
  return { ...pooled, groups: new Map([...pooled.groups].filter(([, sums]) => sums.count >= MINIMUM_GROUP)) };
}

/** Counts only images of pairs that the classifier knows. */
function syntheticConfusion(
  discriminant: Discriminant,
  { features, labels }: SyntheticFeatures,
  { at, pairs }: { at: number; pairs: PairLabels },
): Confusion {
  const known = new Set(discriminant.classes.map(({ label }) => label));
  const actual = labels.map((label) => pairs.mergedClass(label) * pairs.sites + at);
  return confusionOf(actual, classify(discriminant, features)).filter(({ actual: pair }) => known.has(pair));
}

function share(confusion: Confusion, target: (pair: number) => number): number | null {
  return confusion.length === 0 ? null : accuracy(regroupConfusion(confusion, target));
}
