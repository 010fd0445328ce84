import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { createVeProcess } from '../processes/ve-process.js';
import { createSubVpProcess, createVpProcess } from '../processes/vp-process.js';
import { referenceVectors } from '../reference-vectors.spec-support.js';
import { bitsPerDimension, logLikelihood, type ProbedDenoiser } from './log-likelihood.js';

const { params, likelihood } = referenceVectors.sde;
const betas = { betaMin: params.beta_min, betaMax: params.beta_max };
const PROCESSES = {
  vp: createVpProcess(betas),
  subvp: createSubVpProcess(betas),
  ve: createVeProcess({ sigmaMin: params.sigma_min, sigmaMax: params.sigma_max }),
};

/** Exact for independent pixels N(mean, variance_i). */
function exactDenoiser(mean: number, variances: ArrayLike<number>): ProbedDenoiser {
  return async (x, { alpha, sigma }, probe) => {
    const gains = Array.from(variances, (variance) => (alpha * variance) / (alpha ** 2 * variance + sigma ** 2));
    return {
      denoised: x.map((value, i) => mean + (gains[i] ?? 0) * (value - alpha * mean)),
      quadraticForm: gains.reduce((sum, gain, i) => sum + gain * (probe[i] ?? 0) ** 2, 0),
    };
  };
}

describe('log likelihood', () => {
  it.each(likelihood.cases)(
    'of $sde data N($mu, $s2) at $x0 is that of the reference integration',
    async (expected) => {
      const { latent, volumeChange, logDensity } = await logLikelihood(Float64Array.of(expected.x0), {
        process: PROCESSES[expected.sde],
        denoiser: exactDenoiser(expected.mu, [expected.s2]),
        probe: Float64Array.of(1),
        fromTime: expected.t0,
        tolerance: 1e-10,
      });
      expect(Math.abs((latent[0] ?? NaN) - expected.z)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected.z)));
      expect(volumeChange).toBeCloseTo(expected.int_div, 6);
      expect(logDensity).toBeCloseTo(expected.logp_prior, 6);
      // With the true marginal at the end as prior, the density is that of the data at the beginning.
      const process = PROCESSES[expected.sde];
      const { alpha, sigma } = process.level(process.maxTime);
      const variance = alpha ** 2 * expected.s2 + sigma ** 2;
      const residual = (latent[0] ?? NaN) - alpha * expected.mu;
      const priorDensity = -0.5 * Math.log(2 * Math.PI * variance) - residual ** 2 / (2 * variance);
      expect(priorDensity + volumeChange).toBeCloseTo(expected.logp_exact_prior, 6);
      expect(priorDensity + volumeChange).toBeCloseTo(expected.logp_exact_t0, 5);
    },
  );

  it('of a whole image is within 0.01 bits per dimension of the closed form', async () => {
    const size = 64;
    const variances = Float64Array.from({ length: size }, (_, i) => 0.02 + 0.01 * (i % 7));
    const random = randomStream(5, 'likelihood');
    const image = variances.map((variance) => 0.1 + Math.sqrt(variance) * random.normal());
    const probe = variances.map(() => (random.uniform() < 0.5 ? -1 : 1));
    const { logDensity } = await logLikelihood(image, {
      process: PROCESSES.vp,
      denoiser: exactDenoiser(0.1, variances),
      probe,
    });
    const exact = image.reduce((sum, x, i) => {
      const variance = variances[i] ?? NaN;
      return sum - 0.5 * Math.log(2 * Math.PI * variance) - (x - 0.1) ** 2 / (2 * variance);
    }, 0);
    expect(Math.abs(bitsPerDimension(logDensity, size) - bitsPerDimension(exact, size))).toBeLessThan(0.01);
  });

  it('counts log2(127.5) bits for the uniform density on [-1, 1] more than its log density', () => {
    // p = 1/2 a dimension: 1 bit, less the 7 bits and a bit that 127.5 levels a unit cost.
    expect(bitsPerDimension(3 * Math.log(0.5), 3)).toBeCloseTo(1 + Math.log2(127.5), 12);
  });
});
