import type { NoiseLevel } from '../processes/noise-process.js';

/** Factors of the Gaussian q(x_s | x_t, x_0), the exact way back from more noise (t) to less (s). */
export interface Posterior {
  readonly factorOfX: number;
  readonly factorOfDenoised: number;
  /** Its variance: `fixed_small` in DDPM. */
  readonly variance: number;
  /** Variance of q(x_t | x_s): `fixed_large` in DDPM. */
  readonly forwardVariance: number;
}

/**
 * Ho et al. 2020, eq. 6-7, written for any process x_t = alpha_t x_0 + sigma_t ε (Kingma et al. 2021, appendix A.2):
 *
 * alpha_ts = alpha_t / alpha_s, sigma²_ts = sigma²_t - alpha²_ts sigma²_s,
 * mean = alpha_ts sigma²_s / sigma²_t · x_t + alpha_s sigma²_ts / sigma²_t · x_0, variance = sigma²_ts sigma²_s / sigma²_t.
 */
export function posterior(from: NoiseLevel, to: NoiseLevel): Posterior {
  const alphaRatio = from.alpha / to.alpha;
  const forwardVariance = from.sigma ** 2 - (alphaRatio * to.sigma) ** 2;
  return {
    factorOfX: (alphaRatio * to.sigma ** 2) / from.sigma ** 2,
    factorOfDenoised: (to.alpha * forwardVariance) / from.sigma ** 2,
    variance: (forwardVariance * to.sigma ** 2) / from.sigma ** 2,
    forwardVariance,
  };
}
