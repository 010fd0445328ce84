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
 * NCSNv2 technique 4: the step size ε, in units of sigma_L², for which the variance after the T moves of a level is nearest to
 * that level's own. With gamma = sigma_{i-1} / sigma_i (Song & Ermon 2020, proposition 3) the ratio of the two is
 * (1 - ε)^2T (gamma² - s) + s with s = 2 ε / (1 - (1 - ε)²). It is above 1 for every ε and has one minimum.
 *
 * @param gamma         Ratio of neighbouring levels, > 1.
 * @param stepsPerLevel T, an integer >= 1.
 */
export function technique4StepSize(gamma: number, stepsPerLevel: number): number {
  const varianceRatio = (epsilon: number): number => {
    const stationary = 2 / (2 - epsilon);
    return (1 - epsilon) ** (2 * stepsPerLevel) * (gamma ** 2 - stationary) + stationary;
  };
  let [low, high] = [0, 1];
  for (let i = 0; i < TERNARY_STEPS; i++) {
    const third = (high - low) / 3;
    if (varianceRatio(low + third) < varianceRatio(high - third)) high -= third;
    else low += third;
  }
  return (low + high) / 2;
}

/** Leave a relative width of (2/3)^60, about 3e-11. */
const TERNARY_STEPS = 60;
