import { areaUnderCurve } from './area-under-curve.js';

/**
 * How far each image is from the nearest of other images: the root of the mean squared difference of their values.
 *
 * @param images     `[n, size]`
 * @param references `[m, size]`, at least one.
 * @returns `[n]`; 0 for a copy, 2 for white against black on the scale -1 to 1.
 * @throws RangeError when there are no references or lengths are not whole images.
 */
export function nearestDistances(images: Float32Array, references: Float32Array, size: number): Float64Array {
  if (references.length === 0) throw new RangeError('there is no image to be near to');
  if (images.length % size !== 0 || references.length % size !== 0)
    throw new RangeError(`whole images of ${size} values expected`);
  return Float64Array.from({ length: images.length / size }, (_, i) => {
    const image = images.subarray(i * size, (i + 1) * size);
    let nearest = Infinity;
    for (let begin = 0; begin < references.length; begin += size) {
      nearest = Math.min(nearest, squaredDistance(image, references.subarray(begin, begin + size), nearest));
    }
    return Math.sqrt(nearest / size);
  });
}

/** Values after which a sum is looked at: most images are found too far long before their end. */
const STRIDE = 64;

/** Σ (a - b)², or as soon as it exceeds `limit` the sum so far. */
function squaredDistance(a: Float32Array, b: Float32Array, limit: number): number {
  let sum = 0;
  for (let begin = 0; begin < a.length && sum <= limit; begin += STRIDE) {
    const end = Math.min(a.length, begin + STRIDE);
    for (let i = begin; i < end; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  }
  return sum;
}

/**
 * The chance that a synthetic image is nearer to the training images than an image of a patient whom training never saw: the
 * Mann-Whitney statistic of data copying, Meehan, Chaudhuri & Dasgupta 2020, section 3. 0.5: synthetic images are as new as new
 * patients; towards 1: they copy.
 *
 * @param synthetic Distances of synthetic images to their nearest training images; `heldOut` those of held-out real ones.
 * @throws RangeError when one of them is empty.
 */
export function copyingShare(synthetic: Float64Array, heldOut: Float64Array): number {
  const nearness = Float64Array.from([...synthetic, ...heldOut], (distance) => -distance);
  const isSynthetic = Int32Array.from(nearness, (_, i) => (i < synthetic.length ? 1 : 0));
  return areaUnderCurve(nearness, isSynthetic);
}
