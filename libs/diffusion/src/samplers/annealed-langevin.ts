import { combine } from './image-arithmetic.js';
import { nodesOf, type Sampler } from './sampler.js';
import { scoreAt } from './score.js';

export interface AnnealedLangevinOptions {
  /** Moves a noise level, T; an integer >= 1 (NCSNv2: 5). */
  readonly stepsPerLevel?: number;
  /** Step size at the smallest level, in units of its variance; > 0 (NCSNv2 technique 4 chooses it from T and the ladder). */
  readonly stepSize?: number;
}

/**
 * Annealed Langevin dynamics, Song & Ermon 2020 (NCSNv2), algorithm 1: at each level sigma_i, T moves
 * x + a_i s + sqrt(2 a_i) z with a_i = ε sigma_i² / sigma_L²; then one denoising step.
 *
 * @throws RangeError when an option is out of range.
 */
export function createAnnealedLangevin(options: AnnealedLangevinOptions = {}): Sampler {
  const { stepsPerLevel = 5, stepSize = 0.1 } = options;
  if (!Number.isInteger(stepsPerLevel) || stepsPerLevel < 1) {
    throw new RangeError(`stepsPerLevel must be an integer >= 1, got ${stepsPerLevel}`);
  }
  if (!(stepSize > 0)) throw new RangeError(`stepSize must be > 0, got ${stepSize}`);
  return async (run) => {
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const { from, to } = nodesOf(run, index);
      const size = stepSize * from.sigma ** 2;
      for (let i = 0; i < stepsPerLevel; i++) {
        const score = await scoreAt(run.denoiser, x, from);
        x = combine([1, x], [size, score], [Math.sqrt(2 * size), run.noise()]);
      }
      if (to.sigma === 0) x = await run.denoiser(x, from);
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

/**
 * NCSNv2 technique 4: the step size ε (relative to sigma_L²) for which T moves at one level end with its variance.
 * With gamma = sigma_{i-1} / sigma_i and q = (1 - ε)^2T, solves
 * q (gamma² - 2 / (1 - (1 - ε)²) ε) + 2 ε / (1 - (1 - ε)²) = 1 by bisection; their eq. 5 with ε in units of sigma_L².
 *
 * @param gamma         Ratio of neighbouring levels, > 1.
 * @param stepsPerLevel T, an integer >= 1.
 */
export function technique4StepSize(gamma: number, stepsPerLevel: number): number {
  const excess = (epsilon: number): number => {
    const q = (1 - epsilon) ** (2 * stepsPerLevel);
    const stationary = (2 * epsilon) / (1 - (1 - epsilon) ** 2);
    return q * (gamma ** 2 - stationary) + stationary - 1;
  };
  let low = 1e-9;
  let high = 0.999;
  // The excess falls from gamma² - 1, then rises with the stationary variance: the first root is wanted.
  while (excess(high) > 0 && high > low) high *= 0.98;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (excess(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
