import type { FeatureMoments } from '../moments/feature-moments.js';

/** @throws RangeError unless both are moments of the same extractor's features. */
export function checkComparable(a: FeatureMoments, b: FeatureMoments): void {
  if (a.extractor !== b.extractor || a.dimensions !== b.dimensions) {
    throw new RangeError(
      `features of '${a.extractor}' (${a.dimensions}) and '${b.extractor}' (${b.dimensions}) are not comparable`,
    );
  }
}
