import type { NoiseLevel, NoiseProcess } from './noise-process.js';

export interface BetaRange {
  /** beta(0) and beta(1) of the linear schedule beta(t); 0 < betaMin < betaMax (paper: 0.1 and 20). */
  readonly betaMin: number;
  readonly betaMax: number;
}

/** Training and sampling stop here: the score grows without bound at t = 0 (Song et al. 2021, appendix C). */
const EARLIEST_TIME = 1e-3;

/**
 * The variance-preserving SDE, Song et al. 2021, eq. 11: dx = -beta(t)/2 x dt + sqrt(beta(t)) dw, t in [0, 1].
 *
 * @throws RangeError when the betas are not 0 < betaMin < betaMax.
 */
export function createVpProcess(range: BetaRange): NoiseProcess {
  assertBetaRange(range);
  const level = (time: number): NoiseLevel => {
    const logAlpha = logAlphaAt(time, range);
    return { time, alpha: Math.exp(logAlpha), sigma: Math.sqrt(-Math.expm1(2 * logAlpha)) };
  };
  return {
    kind: 'vp',
    isDiscrete: false,
    minTime: EARLIEST_TIME,
    maxTime: 1,
    priorStddev: 1,
    level,
    levelAtRatio: (ratio) => level(timeAtLogAlpha(-0.5 * Math.log1p(ratio ** 2), range)),
    drift: (time) => -0.5 * betaAt(time, range),
    diffusion: (time) => Math.sqrt(betaAt(time, range)),
  };
}

/**
 * The sub-VP SDE, Song et al. 2021, eq. 14: the drift of VP, sigma(t) = 1 - alpha(t)²,
 * g(t)² = beta(t) (1 - exp(-2 ∫ beta)).
 *
 * @throws RangeError when the betas are not 0 < betaMin < betaMax.
 */
export function createSubVpProcess(range: BetaRange): NoiseProcess {
  assertBetaRange(range);
  const level = (time: number): NoiseLevel => {
    const logAlpha = logAlphaAt(time, range);
    return { time, alpha: Math.exp(logAlpha), sigma: -Math.expm1(2 * logAlpha) };
  };
  return {
    kind: 'sub-vp',
    isDiscrete: false,
    minTime: EARLIEST_TIME,
    maxTime: 1,
    priorStddev: 1,
    level,
    // sigma = 1 - alpha² and sigma = ratio·alpha: the positive root of alpha² + ratio·alpha - 1.
    levelAtRatio: (ratio) => level(timeAtLogAlpha(Math.log(2 / (ratio + Math.sqrt(ratio ** 2 + 4))), range)),
    drift: (time) => -0.5 * betaAt(time, range),
    diffusion: (time) => Math.sqrt(-betaAt(time, range) * Math.expm1(4 * logAlphaAt(time, range))),
  };
}

function betaAt(time: number, { betaMin, betaMax }: BetaRange): number {
  return betaMin + time * (betaMax - betaMin);
}

/** log alpha(t) = -½ ∫ beta = -¼ t² (betaMax - betaMin) - ½ t betaMin, Song et al. 2021, eq. 33. */
function logAlphaAt(time: number, { betaMin, betaMax }: BetaRange): number {
  return -0.25 * time ** 2 * (betaMax - betaMin) - 0.5 * time * betaMin;
}

/** The inverse of `logAlphaAt`: the positive root of its quadratic. */
function timeAtLogAlpha(logAlpha: number, { betaMin, betaMax }: BetaRange): number {
  const slope = betaMax - betaMin;
  return (-2 * logAlpha) / (0.5 * betaMin + Math.sqrt(0.25 * betaMin ** 2 - slope * logAlpha));
}

function assertBetaRange({ betaMin, betaMax }: BetaRange): void {
  if (!(betaMin > 0 && betaMax > betaMin && Number.isFinite(betaMax))) {
    throw new RangeError(`betas must satisfy 0 < betaMin < betaMax, got ${betaMin} and ${betaMax}`);
  }
}
