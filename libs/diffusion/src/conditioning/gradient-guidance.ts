import type { NoiseLevel } from '../processes/noise-process.js';
import { combine } from '../samplers/image-arithmetic.js';
import type { Denoiser } from '../samplers/sampler.js';

/** ∇_x log p(y | x_t): from a classifier on noisy images, or a differentiable measure of how well x fits y. */
export type LogLikelihoodGradient = (x: Float64Array, level: NoiseLevel) => Promise<Float64Array>;

/**
 * Guidance by a gradient, Dhariwal & Nichol 2021, eq. 14: the score becomes s + scale·∇ log p(y | x), so by Tweedie's formula the
 * estimate of the clean image becomes D + scale sigma² / alpha · ∇ log p(y | x).
 *
 * @param scale >= 0; 0 means no guidance.
 * @throws RangeError when the scale is negative or not finite.
 */
export function gradientGuidedDenoiser(denoiser: Denoiser, gradient: LogLikelihoodGradient, scale: number): Denoiser {
  if (!(scale >= 0 && Number.isFinite(scale))) throw new RangeError(`guidance must be >= 0, got ${scale}`);
  if (scale === 0) return denoiser;
  return async (x, level) => {
    const [denoised, slope] = await Promise.all([denoiser(x, level), gradient(x, level)]);
    return combine([1, denoised], [(scale * level.sigma ** 2) / level.alpha, slope]);
  };
}
