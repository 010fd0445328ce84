import type { FeatureMoments } from '../moments/feature-moments.js';
import type { Utility } from '../scores/utility.js';

/** Features of synthetic images, which show no patient. */
export interface SyntheticFeatures {
  /** `[n, d]` */
  readonly features: Float32Array;
  /** `[n]`: the class index that each image was conditioned on. */
  readonly labels: Int32Array;
}

/** All that one site sends for the scores: sums over its real images, and features of images that it generated. */
export interface SiteEvaluation {
  /** Order 3, grouped by class index. */
  readonly heldOut: FeatureMoments;
  /** Real training images, grouped by class index; the classifier is built from them. */
  readonly train: FeatureMoments;
  /** From the untrained model. */
  readonly before: SyntheticFeatures;
  /** From the trained model. */
  readonly after: SyntheticFeatures;
  /** Null if it was not asked for, or the held-out images lack a side. */
  readonly utility: Utility | null;
}
