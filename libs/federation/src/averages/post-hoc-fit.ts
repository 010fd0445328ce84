import { roundShares, type PowerFunctionAverage } from './power-function.js';
import { RidgeRegression } from './ridge-regression.js';

/** Of the length of a profile: below what float32 weights resolve. */
const RIDGE = 1e-7;

/** How an average is put together from stored ones. */
export interface FittedAverage {
  /** One a stored average; they add up to 1, and the average is Σ weight · stored average. */
  readonly weights: Float64Array;
  /** Distance of the profile that comes out from the wanted one, as a share of the length of the latter. */
  readonly residual: number;
}

/**
 * Fits the profiles of averages that were not kept by those of averages that were: the least-squares fit of Karras et al. 2024,
 * section 3.2 and algorithm 3, in rounds instead of continuous time, and scaled to add up to 1 as in their implementation.
 */
export class PostHocFit {
  private readonly profiles: readonly Float64Array[];
  private readonly regression: RidgeRegression;

  /**
   * @param round  After which averages are wanted; none of the stored ones is later.
   * @throws RangeError when nothing is stored.
   */
  constructor(
    private readonly stored: readonly PowerFunctionAverage[],
    private readonly round: number,
  ) {
    if (stored.length === 0) throw new RangeError('no average is stored');
    if (stored.some((average) => average.round > round)) throw new RangeError('a stored average is of a later round');
    this.profiles = stored.map((average) => roundShares(average, round));
    const shortest = Math.min(...this.profiles.map(lengthOf));
    this.regression = new RidgeRegression(this.profiles, RIDGE * shortest);
  }

  /** The average of a width; a stored one is itself, bit for bit. */
  fit(width: number): FittedAverage {
    const same = this.stored.findIndex((average) => average.round === this.round && average.width === width);
    if (same >= 0) return { weights: Float64Array.from(this.stored, (_, i) => (i === same ? 1 : 0)), residual: 0 };
    const profile = roundShares({ round: this.round, width }, this.round);
    const solution = this.regression.solve(profile);
    const total = solution.reduce((sum, weight) => sum + weight, 0);
    const weights = solution.map((weight) => weight / total);
    return { weights, residual: this.distance(weights, profile) / lengthOf(profile) };
  }

  private distance(weights: Float64Array, profile: Float64Array): number {
    const difference = profile.map(
      (wanted, s) => this.profiles.reduce((sum, stored, i) => sum + (weights[i] ?? 0) * (stored[s] ?? 0), 0) - wanted,
    );
    return lengthOf(difference);
  }
}

function lengthOf(profile: Float64Array): number {
  return Math.sqrt(profile.reduce((sum, share) => sum + share ** 2, 0));
}
