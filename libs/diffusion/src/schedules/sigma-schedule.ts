import { linspace } from './beta-schedule.js';

export interface SigmaRange {
  /** Smallest noise standard deviation; > 0. */
  readonly sigmaMin: number;
  /** Largest noise standard deviation; > sigmaMin. */
  readonly sigmaMax: number;
}

/**
 * Noise levels of Karras et al. 2022, eq. 5, descending from sigmaMax to sigmaMin, without the closing 0.
 *
 * @param steps Number of levels; an integer >= 1.
 * @param rho   Curvature; > 0 (paper: 7). Larger puts more levels near sigmaMin.
 * @throws RangeError on a bad range, step count or rho.
 */
export function karrasSigmas(steps: number, range: SigmaRange, rho = 7): Float64Array {
  assertSigmaRange(steps, range);
  if (!(rho > 0)) throw new RangeError(`rho must be > 0, got ${rho}`);
  const roots = linspace(range.sigmaMax ** (1 / rho), range.sigmaMin ** (1 / rho), steps);
  return roots.map((root) => root ** rho);
}

/** Noise levels evenly spaced in log sigma, descending: the geometric ladder of Song & Ermon 2019 and of the VE SDE. */
export function geometricSigmas(steps: number, range: SigmaRange): Float64Array {
  assertSigmaRange(steps, range);
  return linspace(Math.log(range.sigmaMax), Math.log(range.sigmaMin), steps).map(Math.exp);
}

function assertSigmaRange(steps: number, { sigmaMin, sigmaMax }: SigmaRange): void {
  if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`steps must be an integer >= 1, got ${steps}`);
  if (!(sigmaMin > 0 && sigmaMax > sigmaMin && Number.isFinite(sigmaMax))) {
    throw new RangeError(`sigmas must satisfy 0 < sigmaMin < sigmaMax, got ${sigmaMin} and ${sigmaMax}`);
  }
}
