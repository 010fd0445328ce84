import { CLEAN, noiseRatio, type NoiseLevel } from '../processes/noise-process.js';
import { createDdim } from '../samplers/ddim.js';
import { combine } from '../samplers/image-arithmetic.js';
import type { SamplerRun } from '../samplers/sampler.js';

/**
 * The part of a sampling run that starts from an image instead of noise (SDEdit, Meng et al. 2022, algorithm 1; denoising is the
 * same with the image's own noise level).
 *
 * @param levels     From the most noise to the least.
 * @param startRatio Noise ratio at which the image enters: 0 changes nothing, a large one forgets the image.
 * @returns The levels from the first whose ratio is at most `startRatio`.
 */
export function levelsFrom(levels: readonly NoiseLevel[], startRatio: number): NoiseLevel[] {
  return levels.filter((level) => noiseRatio(level) <= startRatio);
}

/** The image at a noise level, x = alpha x_0 + sigma ε; where such a run starts. */
export function noisedImage(image: Float64Array, { alpha, sigma }: NoiseLevel, noise: Float64Array): Float64Array {
  return combine([alpha, image], [sigma, noise]);
}

/**
 * DDIM inversion, Song, Meng & Ermon 2021, section 4.3: the deterministic moves backwards, from an image to the noise that gives it.
 *
 * @param run `start` is the image; `levels` are those of sampling, from the most noise to the least.
 * @returns The image at the noisiest level.
 */
export async function invertDdim(run: Omit<SamplerRun, 'noise' | 'afterStep'>): Promise<Float64Array> {
  const rising = run.levels.filter(({ sigma }) => sigma > 0).toReversed();
  const [first = CLEAN] = rising;
  // At the least noise the image and its noisy version are the same but for the scale.
  const start = combine([first.alpha, run.start]);
  return createDdim()({ ...run, start, levels: rising, noise: () => new Float64Array(start.length) });
}
