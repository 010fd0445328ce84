import { describe, expect, it } from '@jest/globals';
import { createDdpmProcess } from '../processes/ddpm-process.js';
import type { NoiseLevel } from '../processes/noise-process.js';
import { createAncestral } from './ancestral.js';
import { gaussianDenoiser, marginalStddev, resultMoments } from './gaussian-data.spec-support.js';
import { posterior } from './posterior.js';
import type { VarianceDenoiser } from './sampler.js';

const DATA = { mean: 0.3, stddev: 0.4 };
const process = createDdpmProcess({ name: 'cosine', trainSteps: 100 });

/** Whole times so that the levels are those of training; the last one stays noisy, so that its variance counts too. */
function levelsOf(times: readonly number[]): NoiseLevel[] {
  return times.map((time) => process.level(time));
}

/**
 * For Gaussian data p(x_s | x_t) is Gaussian, with variance v + c² Var(x_0 | x_t): v the posterior's, c its factor of the clean image
 * (the law of total variance). That is what learning leads to; here it is told.
 */
function exactVariance(levels: readonly NoiseLevel[]): VarianceDenoiser {
  const denoiser = gaussianDenoiser(DATA);
  return async (x, from) => {
    const to = levels[levels.indexOf(from) + 1];
    if (!to) throw new RangeError('no way back from the last level');
    const q = posterior(from, to);
    const conditional = (DATA.stddev * from.sigma) ** 2 / ((from.alpha * DATA.stddev) ** 2 + from.sigma ** 2);
    const variance = q.variance + q.factorOfDenoised ** 2 * conditional;
    const share = Math.log(variance / q.variance) / Math.log(q.forwardVariance / q.variance);
    return { denoised: await denoiser(x, from), varianceShare: x.map(() => share) };
  };
}

describe('ancestral sampling with a learned variance', () => {
  it('has the exact mean and variance of Gaussian data with any number of steps, which a fixed variance has not', async () => {
    const levels = levelsOf([98, 60, 25, 4]);
    const [from, to] = [levels[0], levels.at(-1)];
    if (!from || !to) throw new RangeError('no levels');
    const start = { mean: from.alpha * DATA.mean, stddev: marginalStddev(DATA, from) };
    const experiment = { sampler: createAncestral(), process, levels, denoiser: gaussianDenoiser(DATA) };
    const learned = await resultMoments({ ...experiment, varianceDenoiser: exactVariance(levels) }, start);
    expect(learned.mean).toBeCloseTo(to.alpha * DATA.mean, 10);
    expect(learned.stddev).toBeCloseTo(marginalStddev(DATA, to), 10);

    const fixed = await resultMoments(experiment, start);
    expect(Math.abs(fixed.stddev - marginalStddev(DATA, to))).toBeGreaterThan(0.01);
  });

  it.each([
    [0, 'small'],
    [1, 'large'],
    [-3, 'small'],
    [4, 'large'],
  ] as const)('is the fixed variance at share %d (%s)', async (share, variance) => {
    const levels = levelsOf([90, 40, 10]);
    const denoiser = gaussianDenoiser(DATA);
    const varianceDenoiser: VarianceDenoiser = async (x, level) => ({
      denoised: await denoiser(x, level),
      varianceShare: x.map(() => share),
    });
    const common = { process, levels, denoiser };
    const told = await resultMoments({ ...common, sampler: createAncestral(), varianceDenoiser }, DATA);
    const fixed = await resultMoments({ ...common, sampler: createAncestral({ variance }) }, DATA);
    expect(told.stddev).toBeCloseTo(fixed.stddev, 12);
  });
});
