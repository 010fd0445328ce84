import { noiseRatio } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import { odeSlope } from './ode-slope.js';
import { singleStepSampler, type Sampler } from './sampler.js';

/** Euler's method on the probability-flow ODE, Karras et al. 2022, algorithm 1 without the correction. First order. */
export function createEuler(): Sampler {
  return singleStepSampler(async ({ x, from, to, run }) => {
    const scaled = combine([1 / from.alpha, x]);
    const d = await odeSlope(run.denoiser, scaled, from);
    return combine([to.alpha, scaled], [to.alpha * (noiseRatio(to) - noiseRatio(from)), d]);
  });
}

/** Euler with ancestral noise: a step down to less noise than asked for, then noise up to it (k-diffusion, `sample_euler_ancestral`). */
export function createEulerAncestral(): Sampler {
  return singleStepSampler(async ({ x, from, to, run }) => {
    const sigmaFrom = noiseRatio(from);
    const sigmaTo = noiseRatio(to);
    const sigmaUp = Math.sqrt((sigmaTo ** 2 * (sigmaFrom ** 2 - sigmaTo ** 2)) / sigmaFrom ** 2);
    const sigmaDown = Math.sqrt(sigmaTo ** 2 - sigmaUp ** 2);
    const scaled = combine([1 / from.alpha, x]);
    const d = await odeSlope(run.denoiser, scaled, from);
    const next = combine([to.alpha, scaled], [to.alpha * (sigmaDown - sigmaFrom), d]);
    return sigmaUp > 0 ? combine([1, next], [to.alpha * sigmaUp, run.noise()]) : next;
  });
}
