import type { NoiseLevel } from '../processes/noise-process.js';
import { noiseRatio } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import type { Denoiser } from './sampler.js';

/**
 * dx̂/dσ̂ = (x̂ - D) / σ̂: the probability-flow ODE of any process after scaling, x̂ = x / alpha, σ̂ = sigma / alpha
 * (Karras et al. 2022, eq. 3 and table 1).
 *
 * @param scaled The scaled image x̂ at `level`; `level.sigma` > 0.
 */
export async function odeSlope(denoiser: Denoiser, scaled: Float64Array, level: NoiseLevel): Promise<Float64Array> {
  const denoised = await denoiser(combine([level.alpha, scaled]), level);
  const ratio = noiseRatio(level);
  return combine([1 / ratio, scaled], [-1 / ratio, denoised]);
}
