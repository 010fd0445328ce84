import type { ProcessKind } from '@tributary/protocol/recipe-diffusion';

/** One moment of a noise process: x_t = alpha·x_0 + sigma·ε with ε ~ N(0, I). */
export interface NoiseLevel {
  /** The process's own time: an index for discrete processes, t in [0, 1] for SDEs, sigma for EDM. */
  readonly time: number;
  /** Factor of the clean image; in [0, 1]. */
  readonly alpha: number;
  /** Standard deviation of the noise; >= 0. */
  readonly sigma: number;
}

/**
 * A forward process dx = drift(t)·x dt + diffusion(t) dw with Gaussian marginals (Song et al. 2021, section 3).
 *
 * All of a process that training, samplers and likelihood need; every number is float64.
 */
export interface NoiseProcess {
  readonly kind: ProcessKind;
  /** Whether training knows only whole times. */
  readonly isDiscrete: boolean;
  /** Times from the least noise to the prior. */
  readonly minTime: number;
  readonly maxTime: number;
  /** Standard deviation of the prior from which sampling starts. */
  readonly priorStddev: number;
  /** The marginal at a time in [minTime, maxTime]; discrete processes interpolate between their steps. */
  level(time: number): NoiseLevel;
  /** The moment at which sigma / alpha equals `ratio`, the inverse of `level`. */
  levelAtRatio(ratio: number): NoiseLevel;
  /** f(t) of the linear drift f(t)·x. */
  drift(time: number): number;
  /** g(t). */
  diffusion(time: number): number;
}

/** The closing node of a sampling run: no noise left. */
export const CLEAN: NoiseLevel = { time: 0, alpha: 1, sigma: 0 };

/** sigma / alpha: the noise level after scaling the image back to its own range, Karras et al. 2022, section 2. */
export function noiseRatio({ alpha, sigma }: NoiseLevel): number {
  return sigma / alpha;
}

/** alpha² / sigma², the signal-to-noise ratio for data of unit variance, Kingma et al. 2021, eq. 2. */
export function signalToNoise({ alpha, sigma }: NoiseLevel): number {
  return (alpha / sigma) ** 2;
}

/** lambda = log(alpha / sigma), half the log signal-to-noise ratio, Lu et al. 2022. */
export function logSnrHalf({ alpha, sigma }: NoiseLevel): number {
  return Math.log(alpha) - Math.log(sigma);
}
