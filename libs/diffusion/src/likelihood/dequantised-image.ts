import type { RandomStream } from '@tributary/random';

/** Grey levels of an 8-bit pixel lie this far apart in images from -1 to 1. */
const LEVELS_PER_UNIT = 127.5;

/**
 * The image in 256 levels of grey, each spread evenly over its own width: the mean log density of such images is at most the log
 * probability of the 8-bit image (Theis, van den Oord & Bethge 2016, section 3.1). Without it a flat background would have any density.
 *
 * @param image  In [-1, 1].
 * @param random One stream an image.
 */
export function dequantisedImage(image: Float32Array, random: RandomStream): Float32Array {
  return image.map((value) => {
    const level = Math.round((value + 1) * LEVELS_PER_UNIT);
    return (level + random.uniform() - 0.5) / LEVELS_PER_UNIT - 1;
  });
}
