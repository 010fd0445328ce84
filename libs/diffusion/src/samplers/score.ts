import type { NoiseLevel } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import type { Denoiser } from './sampler.js';

/** ∇ log p_t(x) = (alpha D(x) - x) / sigma², Tweedie's formula (Efron 2011, eq. 1.4). */
export async function scoreAt(denoiser: Denoiser, x: Float64Array, level: NoiseLevel): Promise<Float64Array> {
  const denoised = await denoiser(x, level);
  const variance = level.sigma ** 2;
  return combine([level.alpha / variance, denoised], [-1 / variance, x]);
}
