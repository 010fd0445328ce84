import { z } from 'zod';

const label = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);

/**
 * A Gaussian discriminant classifier of features as plain data, small enough to send to a site, so that the site can
 * classify its held-out images itself and answer with counts.
 */
export const discriminantSchema = z.strictObject({
  extractor: z.string().max(200),
  dimensions: z.int().min(1).max(4096),
  classes: z
    .array(
      z.strictObject({
        label,
        /** `[d]` */
        mean: z.array(z.number()),
        /** ln of the covariance's determinant. */
        logDeterminant: z.number(),
        /** Which of `whiteners` is this class's. */
        whitener: z.int().min(0),
      }),
    )
    .min(1),
  /** Packed lower triangles, row by row, of `L^-1` with `L L^T` the covariance: one shared, or one a class. */
  whiteners: z.array(z.array(z.number())).min(1),
});
export type Discriminant = z.infer<typeof discriminantSchema>;

/**
 * The class of each feature vector: the one of least `|L^-1 (x - mean)|^2 + ln det C`
 * (Hastie, Tibshirani, Friedman 2009, eq. 4.12,
 * with equal priors).
 * @param features `[n, d]`.
 * @returns `[n]` labels.
 * @throws RangeError if the features are not rows of d.
 */
export function classify(discriminant: Discriminant, features: Float32Array): Int32Array {
  const { dimensions } = discriminant;
  const count = features.length / dimensions;
  if (!Number.isInteger(count)) throw new RangeError(`${features.length} features are not rows of ${dimensions}`);
  return Int32Array.from({ length: count }, (_, row) =>
    nearestClass(discriminant, features.subarray(row * dimensions, (row + 1) * dimensions)),
  );
}

function nearestClass({ classes, whiteners }: Discriminant, x: Float32Array): number {
  let best = { label: -1, cost: Infinity };
  for (const { label: candidate, mean, logDeterminant, whitener } of classes) {
    const cost = logDeterminant + whitenedNormSquared(whiteners[whitener] ?? [], x, mean);
    if (cost < best.cost) best = { label: candidate, cost };
  }
  return best.label;
}

function whitenedNormSquared(whitener: readonly number[], x: Float32Array, mean: readonly number[]): number {
  let normSquared = 0;
  let slot = 0;
  for (let i = 0; i < x.length; i++) {
    let whitened = 0;
    for (let j = 0; j <= i; j++) {
      whitened += (whitener[slot] ?? 0) * ((x[j] ?? 0) - (mean[j] ?? 0));
      slot++;
    }
    normSquared += whitened * whitened;
  }
  return normSquared;
}
