import { imageShape } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';
import { blockOf } from './pixel-blocks.js';

/**
 * The condition of super-resolution (Saharia et al. 2022, SR3): the image averaged over squares of `factor` pixels, at full size
 * again. Slices of a volume are averaged one by one.
 *
 * @param image  One image or volume, channels last.
 * @param factor Divides the width.
 * @throws RangeError when the number of values is not the recipe's.
 */
export function lowResolution(image: Float32Array, shape: Recipe['image'], factor: number): Float32Array {
  const { sizePx, channels } = shape;
  const size = imageShape(shape).reduce((product, length) => product * length, 1);
  if (image.length !== size) throw new RangeError(`an image has ${size} values, got ${image.length}`);
  const block = blockOf({ side: sizePx, factor, channels });
  const means = new Float64Array(size / factor ** 2);
  image.forEach((value, i) => {
    means[block(i)] = (means[block(i)] ?? 0) + value / factor ** 2;
  });
  return image.map((_, i) => means[block(i)] ?? 0);
}
