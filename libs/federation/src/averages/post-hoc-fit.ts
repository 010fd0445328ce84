import { roundShares, type PowerFunctionAverage } from './power-function.js';
import { ridgeRegression } from './ridge-regression.js';

/** Of the length of the wanted profile: below what float32 weights resolve. */
const RIDGE = 1e-7;

/** How an average is put together from stored ones. */
export interface PostHocFit {
  /** One a stored average; they add up to 1, and the average is Σ weight · stored average. */
  readonly weights: Float64Array;
  /** Distance of the profile that comes out from the wanted one, as a share of the length of the latter. */
  readonly residual: number;
}

/**
 * Fits the profile of an average that was not kept by those of averages that were: the least-squares fit of Karras et al. 2024,
 * section 3.2 and algorithm 3, in rounds instead of continuous time, and scaled to add up to 1 as in their implementation.
 *
 * @param stored At least one.
 * @throws RangeError when nothing is stored.
 */
export function fitAverage(stored: readonly PowerFunctionAverage[], wanted: PowerFunctionAverage): PostHocFit {
  if (stored.length === 0) throw new RangeError('no average is stored');
  const same = stored.findIndex(({ round, width }) => round === wanted.round && width === wanted.width);
  if (same >= 0) return { weights: Float64Array.from(stored, (_, i) => (i === same ? 1 : 0)), residual: 0 };
  const rounds = Math.max(wanted.round, ...stored.map(({ round }) => round));
  const profiles = stored.map((average) => roundShares(average, rounds));
  const profile = roundShares(wanted, rounds);
  const length = Math.sqrt(profile.reduce((sum, share) => sum + share ** 2, 0));
  const solution = ridgeRegression(profiles, profile, RIDGE * length);
  const total = solution.reduce((sum, weight) => sum + weight, 0);
  const weights = solution.map((weight) => weight / total);
  return { weights, residual: distance(profiles, weights, profile) / length };
}

function distance(profiles: readonly Float64Array[], weights: Float64Array, profile: Float64Array): number {
  let squared = 0;
  for (let s = 0; s < profile.length; s++) {
    const share = profiles.reduce((sum, stored, i) => sum + (weights[i] ?? 0) * (stored[s] ?? 0), 0);
    squared += (share - (profile[s] ?? 0)) ** 2;
  }
  return Math.sqrt(squared);
}
