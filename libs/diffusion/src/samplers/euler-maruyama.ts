import { combine } from './image-arithmetic.js';
import { singleStepSampler, type Sampler } from './sampler.js';
import { scoreAt } from './score.js';

/**
 * Euler-Maruyama on the reverse-time SDE dx = [f(t) x - g(t)² ∇ log p_t(x)] dt + g(t) dw, Song et al. 2021, eq. 6.
 * The last move, to no noise, is the denoiser's estimate itself (their appendix G).
 */
export function createEulerMaruyama(): Sampler {
  return singleStepSampler(async ({ x, from, to, run }) => {
    if (to.sigma === 0) return run.denoiser(x, from);
    const { process } = run;
    const dt = to.time - from.time;
    const g = process.diffusion(from.time);
    const score = await scoreAt(run.denoiser, x, from);
    return combine(
      [1 + process.drift(from.time) * dt, x],
      [-(g ** 2) * dt, score],
      [g * Math.sqrt(Math.abs(dt)), run.noise()],
    );
  });
}
