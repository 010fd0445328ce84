import type { Extractor } from './extractor.js';

/**
 * Features of volumes: the mean over the slices of each. An image is a volume of one slice.
 *
 * @param images `[count, depth, imageSize, imageSize, channels]`
 * @returns `[count, d]`
 * @throws RangeError as `Extractor.features`.
 */
export async function volumeFeatures(
  extractor: Pick<Extractor, 'features' | 'dimensions'>,
  images: Float32Array,
  { count, depth }: { readonly count: number; readonly depth: number },
): Promise<Float32Array> {
  const ofSlices = await extractor.features(images, count * depth);
  if (depth === 1) return ofSlices;
  const { dimensions } = extractor;
  const means = new Float32Array(count * dimensions);
  ofSlices.forEach((value, i) => {
    const at = Math.floor(i / dimensions / depth) * dimensions + (i % dimensions);
    means[at] = (means[at] ?? 0) + value / depth;
  });
  return means;
}
