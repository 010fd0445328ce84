import { noiseRatio } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import { odeSlope } from './ode-slope.js';
import { singleStepSampler, type Sampler } from './sampler.js';

/**
 * Euler's method on the probability-flow ODE, Karras et al. 2022, algorithm 1 without the correction. First order.
 * DDIM without noise makes the same moves; the two differ in the levels that they are given.
 */
export function createEuler(): Sampler {
  return singleStepSampler(async ({ x, from, to, run }) => {
    const scaled = combine([1 / from.alpha, x]);
    const d = await odeSlope(run.denoiser, scaled, from);
    return combine([to.alpha, scaled], [to.alpha * (noiseRatio(to) - noiseRatio(from)), d]);
  });
}
