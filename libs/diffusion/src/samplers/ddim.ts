import { clip, combine } from './image-arithmetic.js';
import { posterior } from './posterior.js';
import { singleStepSampler, type Sampler } from './sampler.js';

export interface DdimOptions {
  /** 0: deterministic; 1: the variance of ancestral sampling. Default 0. */
  readonly eta?: number;
  /** Limits the estimate of the clean image, not that of the noise, to [-clipRange, clipRange]. */
  readonly clipRange?: number;
}

/**
 * Denoising diffusion implicit models, Song, Meng & Ermon 2021, eq. 12, for any process with Gaussian marginals:
 * x_s = alpha_s x_0 + sqrt(sigma_s² - eta² v) ε + eta sqrt(v) z, v the posterior's variance.
 *
 * @throws RangeError when eta is negative.
 */
export function createDdim({ eta = 0, clipRange }: DdimOptions = {}): Sampler {
  if (!(eta >= 0)) throw new RangeError(`eta must be >= 0, got ${eta}`);
  return singleStepSampler(async ({ x, from, to, run }) => {
    const denoised = await run.denoiser(x, from);
    const epsilon = combine([1 / from.sigma, x], [-from.alpha / from.sigma, denoised]);
    const variance = eta ** 2 * posterior(from, to).variance;
    const direction = Math.sqrt(Math.max(0, to.sigma ** 2 - variance));
    const clean = clipRange === undefined ? denoised : clip(denoised, clipRange);
    const next = combine([to.alpha, clean], [direction, epsilon]);
    return variance > 0 ? combine([1, next], [Math.sqrt(variance), run.noise()]) : next;
  });
}
