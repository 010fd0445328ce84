import { noiseRatio, type NoiseLevel } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import { odeSlope } from './ode-slope.js';
import { singleStepSampler, type Sampler, type SamplerStep } from './sampler.js';

export interface HeunOptions {
  /** S_churn: overall noise added back; 0 (default) makes the sampler deterministic. */
  readonly churn?: number;
  /** S_tmin and S_tmax: noise is added back only between these noise levels. */
  readonly churnMin?: number;
  readonly churnMax?: number;
  /** S_noise: standard deviation of the noise added back (paper: 1 to 1.007). */
  readonly churnStddev?: number;
}

/**
 * Stochastic sampler with Heun's second-order correction, Karras et al. 2022, algorithm 2.
 * N nodes cost 2N - 1 evaluations: the last move, to no noise, has no correction.
 *
 * @throws RangeError when churn is negative.
 */
export function createHeun(options: HeunOptions = {}): Sampler {
  if (!((options.churn ?? 0) >= 0)) throw new RangeError(`churn must be >= 0, got ${options.churn}`);
  return singleStepSampler(async (move) => {
    const { to, run } = move;
    const { scaled, level: from } = increaseNoise(move, options);
    const step = noiseRatio(to) - noiseRatio(from);

    const d = await odeSlope(run.denoiser, scaled, from);
    const predicted = combine([1, scaled], [step, d]);
    if (to.sigma === 0) return predicted;

    const dPrime = await odeSlope(run.denoiser, predicted, to);
    return combine([to.alpha, scaled], [0.5 * to.alpha * step, d], [0.5 * to.alpha * step, dPrime]);
  });
}

/** Algorithm 2, lines 4-6: raise the noise from sigma to sigmaHat = sigma (1 + gamma). */
function increaseNoise(
  { x, from, run }: SamplerStep,
  { churn = 0, churnMin = 0, churnMax = Infinity, churnStddev = 1 }: HeunOptions,
): { scaled: Float64Array; level: NoiseLevel } {
  const scaled = combine([1 / from.alpha, x]);
  const sigma = noiseRatio(from);
  const steps = run.levels.length - 1;
  const gamma = sigma >= churnMin && sigma <= churnMax ? Math.min(churn / steps, Math.SQRT2 - 1) : 0;
  if (gamma === 0) return { scaled, level: from };
  const sigmaHat = sigma * (1 + gamma);
  const added = churnStddev * Math.sqrt(sigmaHat ** 2 - sigma ** 2);
  return { scaled: combine([1, scaled], [added, run.noise()]), level: run.process.levelAtRatio(sigmaHat) };
}
