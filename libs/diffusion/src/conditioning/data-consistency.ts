import { clip } from '../samplers/image-arithmetic.js';
import type { Denoiser } from '../samplers/sampler.js';
import { blockOf, type BlockShape } from './pixel-blocks.js';

/** The nearest image that agrees with a measurement: x_0 - Aᵀ(AAᵀ)⁻¹(A x_0 - y), for example. As large as the image. */
export type Projection = (image: Float64Array) => Float64Array;

/**
 * Makes every estimate of the clean image agree with a measurement before it is used, as DDNM does (Wang et al. 2023, eq. 12).
 * Reconstruction and super-resolution are projections; so is keeping some pixels.
 *
 * @throws RangeError, when it is called, for a projection that gives an image of another size.
 */
export function consistentDenoiser(denoiser: Denoiser, project: Projection): Denoiser {
  return async (x, level) => {
    const projected = project(await denoiser(x, level));
    if (projected.length !== x.length)
      throw new RangeError(`the projection gave ${projected.length} values for an image of ${x.length}`);
    return projected;
  };
}

/** Clean images lie in [-1, 1]. */
const RANGE = 1;

/** Halvings of an interval no wider than a few units: more than a double can tell. */
const BISECTIONS = 60;

/**
 * The projection of super-resolution: the nearest image in [-1, 1] whose blocks of `factor` x `factor` pixels have the means that
 * were measured. Every block is shifted; where that leaves the range, values are cut off and the others shifted further.
 *
 * @param measured  Block means in [-1, 1], row by row, channels last: [side / factor, side / factor, channels].
 * @throws RangeError when the sizes do not fit or a mean is outside.
 */
export function blockMeanProjection(measured: Float64Array, shape: BlockShape): Projection {
  const { side, factor, channels } = shape;
  const blocks = side / factor;
  if (!Number.isInteger(blocks) || measured.length !== blocks ** 2 * channels) {
    throw new RangeError(`${measured.length} means do not measure ${side} px in blocks of ${factor}`);
  }
  const outside = measured.find((mean) => !(Math.abs(mean) <= RANGE));
  if (outside !== undefined) throw new RangeError(`means lie in [-1, 1], got ${outside}`);
  const block = blockOf(shape);
  const pixels = Array.from(measured, (): number[] => []);
  for (let i = 0; i < side ** 2 * channels; i++) pixels[block(i)]?.push(i);
  return (image) => {
    const projected = new Float64Array(side ** 2 * channels);
    pixels.forEach((indices, i) => {
      const values = Float64Array.from(indices, (index) => image[index] ?? NaN);
      withMean(values, measured[i] ?? NaN).forEach((value, k) => (projected[indices[k] ?? 0] = value));
    });
    return projected;
  };
}

/**
 * The nearest point of the cube [-1, 1]^n with a mean, clip(v + s): by the conditions of Karush, Kuhn & Tucker all values that are
 * not cut off move by the same s, and the mean rises with s.
 */
function withMean(values: Float64Array, mean: number): Float64Array {
  const plain = shifted(values, mean - meanOf(values));
  if (plain.every((value) => Math.abs(value) <= RANGE)) return plain;
  let low = -RANGE - Math.max(...values);
  let high = RANGE - Math.min(...values);
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (meanOf(clip(shifted(values, middle), RANGE)) < mean) low = middle;
    else high = middle;
  }
  return clip(shifted(values, high), RANGE);
}

function shifted(values: Float64Array, shift: number): Float64Array {
  return values.map((value) => value + shift);
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
