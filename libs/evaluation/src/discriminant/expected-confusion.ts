import { Matrix } from 'ml-matrix';
import type { FeatureMoments, MomentSums } from '../moments/feature-moments.js';
import { gaussianOf } from '../moments/gaussian.js';
import { symmetricSquareRoot } from '../moments/symmetric-square-root.js';
import { confusionOf, poolConfusions, type Confusion } from './confusion.js';
import { classify, type Discriminant } from './discriminant.js';

export interface ExpectedConfusionOptions {
  /** A standard normal number at each call. */
  readonly normal: () => number;
  /** Draws for each image behind the moments. */
  readonly drawsPerImage: number;
}

/**
 * The confusion to expect on images of which only the moments are known: features are drawn from the Gaussian of each class,
 * whose mean and covariance are exactly those of the images, and classified. An estimate, because features are not
 * Gaussian; the exact count needs the classifier to travel to the images (`classify`, `confusionOf`).
 * @throws RangeError for a group of fewer than two images.
 */
export function expectedConfusion(
  discriminant: Discriminant,
  moments: FeatureMoments,
  options: ExpectedConfusionOptions,
): Confusion {
  const parts = [...moments.groups].map(([label, sums]) => {
    const features = drawGaussian(sums, options);
    const actual = new Int32Array(features.length / moments.dimensions).fill(label);
    return confusionOf(actual, classify(discriminant, features));
  });
  return poolConfusions(parts);
}

/** `mean + C^(1/2) z`, `[count * drawsPerImage, d]`. */
function drawGaussian(sums: MomentSums, { normal, drawsPerImage }: ExpectedConfusionOptions): Float32Array {
  const { mean, covariance } = gaussianOf(sums);
  const draws = sums.count * drawsPerImage;
  const z = Matrix.zeros(draws, mean.length);
  for (let row = 0; row < draws; row++) {
    for (let column = 0; column < mean.length; column++) z.set(row, column, normal());
  }
  return Float32Array.from(
    z
      .mmul(symmetricSquareRoot(covariance))
      .addRowVector([...mean])
      .to1DArray(),
  );
}
