import type { Denoiser } from '../samplers/sampler.js';

/** The nearest image that agrees with a measurement: of x_0 - Aᵀ(AAᵀ)⁻¹(A x_0 - y), for example. */
export type Projection = (image: Float64Array) => Float64Array;

/**
 * Makes every estimate of the clean image agree with a measurement before it is used, as DDNM does (Wang et al. 2023, eq. 12).
 * Reconstruction and super-resolution are projections; so is keeping some pixels.
 */
export function consistentDenoiser(denoiser: Denoiser, project: Projection): Denoiser {
  return async (x, level) => project(await denoiser(x, level));
}

/**
 * The projection of super-resolution: shifts every block of `factor` x `factor` pixels to the mean that was measured.
 *
 * @param measured  Block means, row by row, channels last: [side / factor, side / factor, channels].
 * @param shape     `side` of the square image; divisible by `factor`.
 * @throws RangeError when the sizes do not fit.
 */
export function blockMeanProjection(
  measured: Float64Array,
  { side, factor, channels }: { readonly side: number; readonly factor: number; readonly channels: number },
): Projection {
  const blocks = side / factor;
  if (!Number.isInteger(blocks) || measured.length !== blocks ** 2 * channels) {
    throw new RangeError(`${measured.length} means do not measure ${side} px in blocks of ${factor}`);
  }
  const blockOf = (index: number): number => {
    const channel = index % channels;
    const column = Math.floor(index / channels) % side;
    const row = Math.floor(index / channels / side);
    return (Math.floor(row / factor) * blocks + Math.floor(column / factor)) * channels + channel;
  };
  return (image) => {
    const means = new Float64Array(measured.length);
    image.forEach((value, i) => {
      const block = blockOf(i);
      means[block] = (means[block] ?? 0) + value / factor ** 2;
    });
    return image.map((value, i) => value + (measured[blockOf(i)] ?? 0) - (means[blockOf(i)] ?? 0));
  };
}
