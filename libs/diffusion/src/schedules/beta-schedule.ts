/** Beta schedules that diffusers' schedulers know too (there, `cosine` is `squaredcos_cap_v2`), so that an export opens unchanged. */
export type BetaScheduleName = 'linear' | 'scaled_linear' | 'cosine' | 'sigmoid';

export interface BetaScheduleOptions {
  readonly name: BetaScheduleName;
  /** Number of discrete steps T; an integer >= 2 (paper: 1000). */
  readonly trainSteps: number;
  /** First beta; in (0, 1) (paper: 1e-4). Not used by `cosine`. */
  readonly betaStart?: number;
  /** Last beta; in (0, 1) (paper: 0.02). Not used by `cosine`. */
  readonly betaEnd?: number;
  /** Rescale so that the last step holds no signal: Lin et al. 2024, algorithm 1. */
  readonly zeroTerminalSnr?: boolean;
}

/** Betas are capped here, as in Nichol & Dhariwal 2021, section 3.2, to avoid a singularity at t = T. */
const MAX_COSINE_BETA = 0.999;

/**
 * The variances beta_t of q(x_t | x_{t-1}), t = 0 … T - 1, in float64.
 *
 * Sources: linear, Ho et al. 2020; scaled_linear, Rombach et al. 2022; cosine, Nichol & Dhariwal 2021, eq. 17; sigmoid, GeoDiff (Xu et al. 2022).
 *
 * @throws RangeError when `trainSteps` is not an integer >= 2 or a beta is outside (0, 1).
 */
export function betaSchedule(options: BetaScheduleOptions): Float64Array {
  const { name, trainSteps, betaStart = 1e-4, betaEnd = 0.02, zeroTerminalSnr = false } = options;
  if (!Number.isInteger(trainSteps) || trainSteps < 2) {
    throw new RangeError(`trainSteps must be an integer >= 2, got ${trainSteps}`);
  }
  assertBeta('betaStart', betaStart);
  assertBeta('betaEnd', betaEnd);
  const betas = BETA_FORMULAS[name](trainSteps, betaStart, betaEnd);
  return zeroTerminalSnr ? rescaleToZeroTerminalSnr(betas) : betas;
}

/** Running products alphaBar_t = Π (1 - beta_s), Ho et al. 2020, section 2. */
export function alphaBars(betas: Float64Array): Float64Array {
  let product = 1;
  return betas.map((beta) => (product *= 1 - beta));
}

type BetaFormula = (steps: number, start: number, end: number) => Float64Array;

const BETA_FORMULAS: Readonly<Record<BetaScheduleName, BetaFormula>> = {
  linear: (steps, start, end) => linspace(start, end, steps),
  scaled_linear: (steps, start, end) => linspace(Math.sqrt(start), Math.sqrt(end), steps).map((root) => root ** 2),
  cosine: (steps) =>
    Float64Array.from({ length: steps }, (_, t) =>
      Math.min(1 - cosineAlphaBar((t + 1) / steps) / cosineAlphaBar(t / steps), MAX_COSINE_BETA),
    ),
  sigmoid: (steps, start, end) => linspace(-6, 6, steps).map((x) => (end - start) / (1 + Math.exp(-x)) + start),
};

/** f(t) of Nichol & Dhariwal 2021, eq. 17, with s = 0.008; `fraction` = t / T in [0, 1]. */
function cosineAlphaBar(fraction: number): number {
  return Math.cos((((fraction + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** Lin et al. 2024, algorithm 1: shift and scale sqrt(alphaBar) so that its first value stays and its last is 0. */
function rescaleToZeroTerminalSnr(betas: Float64Array): Float64Array {
  const roots = alphaBars(betas).map(Math.sqrt);
  const first = roots[0] ?? 1;
  const last = roots[roots.length - 1] ?? 0;
  const rescaled = roots.map((root) => ((root - last) * first) / (first - last)).map((root) => root ** 2);
  return rescaled.map((alphaBar, t) => 1 - (t === 0 ? alphaBar : alphaBar / (rescaled[t - 1] ?? 1)));
}

/** `count` evenly spaced numbers from `from` to `to`, both ends included. */
export function linspace(from: number, to: number, count: number): Float64Array {
  if (count === 1) return Float64Array.of(from);
  return Float64Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

function assertBeta(name: string, beta: number): void {
  if (!(beta > 0 && beta < 1)) throw new RangeError(`${name} must lie in (0, 1), got ${beta}`);
}
