/** One term of a sum of images. */
export type Term = readonly [factor: number, image: Float64Array];

/**
 * Σ factor·image, element by element: every sampler's update is one such sum.
 *
 * @throws RangeError when there is no term or sizes differ.
 */
export function combine(...terms: readonly Term[]): Float64Array {
  const first = terms[0];
  if (!first) throw new RangeError('a sum of images needs at least one term');
  const sum = new Float64Array(first[1].length);
  for (const [factor, image] of terms) {
    if (image.length !== sum.length) throw new RangeError(`images differ in size: ${image.length} and ${sum.length}`);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + factor * (image[i] ?? 0);
  }
  return sum;
}

/** The image with every value limited to [-range, range]. */
export function clip(image: Float64Array, range: number): Float64Array {
  return image.map((value) => Math.min(range, Math.max(-range, value)));
}

/** Euclidean norm. */
export function norm(image: Float64Array): number {
  let sum = 0;
  for (const value of image) sum += value * value;
  return Math.sqrt(sum);
}
