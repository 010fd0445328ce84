/**
 * gamma of a power-function average from the standard deviation of its profile in units of training time: the real root > 0 of
 * gamma³ + 7 gamma² + (16 - width^-2) gamma + 12 - width^-2 = 0, Karras et al. 2024, algorithm 2.
 *
 * @param width In (0, 0.28): the paper uses 0.01 to 0.25.
 * @throws RangeError for another width.
 */
export function gammaOfWidth(width: number): number {
  if (!(width > 0 && width < 0.28)) throw new RangeError(`width must lie in (0, 0.28), got ${width}`);
  const inverse = width ** -2;
  const cubic = (gamma: number): number => gamma ** 3 + 7 * gamma ** 2 + (16 - inverse) * gamma + 12 - inverse;
  let low = 0;
  let high = 1 / width + 10;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (cubic(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** A power-function average as it is after some rounds. */
export interface PowerFunctionAverage {
  /** Rounds that it has seen, >= 1. */
  readonly round: number;
  /** Standard deviation of its profile as a share of those rounds. */
  readonly width: number;
}

/**
 * Share of each round's weights in the average: what is left of 1 - decay of round s after the decays of s + 1 … round,
 * (s^(gamma + 1) - (s - 1)^(gamma + 1)) / round^(gamma + 1). That is the integral over round s of the profile in continuous
 * time, Karras et al. 2024, eq. 121, and exact for averages that are made round by round.
 *
 * @returns `rounds` shares, that of round 1 first; they add up to 1.
 */
export function roundShares({ round, width }: PowerFunctionAverage, rounds: number): Float64Array {
  const power = gammaOfWidth(width) + 1;
  const upTo = (s: number): number => (Math.min(s, round) / round) ** power;
  return Float64Array.from({ length: rounds }, (_, i) => upTo(i + 1) - upTo(i));
}
