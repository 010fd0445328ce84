/**
 * Scores of a generator from pooled moments: pure mathematics, no tensor engine. What needs one lies apart, in
 * `@tributary/evaluation/extractor` and `@tributary/evaluation/lesion-utility`.
 */
export {
  accumulateMoments,
  type AccumulateOptions,
  type FeatureMoments,
  type MomentSums,
  type ThirdOrderSums,
} from './moments/feature-moments.js';
export { poolMoments, regroupMoments, withoutSmallGroups } from './moments/pool-moments.js';
export {
  decodeMoments,
  encodeMoments,
  momentsFromJson,
  momentsHeaderSchema,
  momentsJsonSchema,
  momentsToJson,
  type EncodedMoments,
  type MomentsHeader,
  type MomentsJson,
} from './moments/moments-codec.js';
export { frechetDistance } from './scores/frechet-distance.js';
export { kernelDistance } from './scores/kernel-distance.js';
export { diversityRatio, pairwiseSpread } from './scores/diversity.js';
export { areaUnderCurve } from './scores/area-under-curve.js';
export { copyingShare, nearestDistances } from './scores/nearest-distance.js';
export { spreadOf, spreadSchema, type Spread } from './scores/spread.js';
export { classify, discriminantSchema, type Discriminant } from './discriminant/discriminant.js';
export { fitDiscriminant, type DiscriminantOptions } from './discriminant/fit-discriminant.js';
export {
  accuracy,
  balancedAccuracy,
  confusionOf,
  confusionSchema,
  poolConfusions,
  regroupConfusion,
  type Confusion,
} from './discriminant/confusion.js';
export { expectedConfusion, type ExpectedConfusionOptions } from './discriminant/expected-confusion.js';
export { poolUtilities, utilitySchema, type Utility } from './scores/utility.js';
export type { SiteEvaluation, SyntheticFeatures } from './sites/site-evaluation.js';
export { decodeSiteEvaluation, encodeSiteEvaluation } from './sites/site-evaluation-file.js';
export { mergeScarceClasses } from './sites/merged-classes.js';
export { scoreSites, type DistanceScores, type ScoreOptions, type SiteScores } from './sites/score-sites.js';
