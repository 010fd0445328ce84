import { combine } from '../samplers/image-arithmetic.js';
import type { Denoiser } from '../samplers/sampler.js';

/**
 * Classifier-free guidance, Ho & Salimans 2022, eq. 6, on the clean-image estimate: D_u + scale (D_c - D_u).
 * Scale 1 is the conditional denoiser itself, 0 the unconditional one; both then cost one evaluation.
 *
 * @throws RangeError when the scale is negative or not finite.
 */
export function guidedDenoiser(conditional: Denoiser, unconditional: Denoiser, scale: number): Denoiser {
  if (!(scale >= 0 && Number.isFinite(scale))) throw new RangeError(`guidance must be >= 0, got ${scale}`);
  if (scale === 1) return conditional;
  if (scale === 0) return unconditional;
  return async (x, level) => {
    const [withClass, without] = await Promise.all([conditional(x, level), unconditional(x, level)]);
    return combine([1 - scale, without], [scale, withClass]);
  };
}
