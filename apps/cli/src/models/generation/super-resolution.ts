import { blockMeanProjection, type Projection } from '@tributary/diffusion';
import { readPictureAtOwnSize, refusedInput, type PictureRequest } from './input-pictures.js';

const FLAG = '--super-resolve';

/** Fewest pixels across that say anything. */
const SMALLEST_SIDE = 2;

/**
 * What images must agree with to be sharp versions of a small one: each of its pixels is the mean of a block of theirs.
 *
 * @throws TributaryError USAGE_INVALID for a file that is no image, or one whose side does not divide the model's.
 */
export async function readSuperResolution(
  path: string,
  request: Omit<PictureRequest, 'flag' | 'keepsColours'>,
): Promise<Projection> {
  const { sizePx, channels } = request.recipe.image;
  const { pixels, shape } = await readPictureAtOwnSize(path, { ...request, flag: FLAG, keepsColours: true });
  const sides = Array.from({ length: sizePx }, (_, side) => side).filter(
    (side) => side >= SMALLEST_SIDE && sizePx % side === 0,
  );
  if (shape.widthPx !== shape.heightPx || !sides.includes(shape.widthPx))
    throw refusedInput(
      FLAG,
      `a square image of ${sides.join(', ')} px, which divide the model's ${sizePx}: this one has ${shape.widthPx} x ${shape.heightPx}`,
    );
  const factor = sizePx / shape.widthPx;
  return blockMeanProjection(Float64Array.from(pixels), { side: sizePx, factor, channels });
}
