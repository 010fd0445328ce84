/** Probability that the noise of one level has under the next one, Song & Ermon 2020, technique 2. */
const OVERLAP = 0.5;

/**
 * Levels of a geometric ladder whose ratio gamma solves Φ(√(2D)(gamma - 1) + 3 gamma) - Φ(√(2D)(gamma - 1) - 3 gamma) = 0.5:
 * NCSNv2 technique 2 (Song & Ermon 2020, proposition 2). At least 2.
 *
 * @param dimensions D, the values of an image.
 */
export function ladderLength(
  { sigmaMin, sigmaMax }: { readonly sigmaMin: number; readonly sigmaMax: number },
  dimensions: number,
): number {
  const overlap = (gamma: number): number => {
    const centre = Math.sqrt(2 * dimensions) * (gamma - 1);
    return normalCdf(centre + 3 * gamma) - normalCdf(centre - 3 * gamma);
  };
  let low = 1;
  let high = 2;
  while (overlap(high) > OVERLAP) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (overlap(middle) > OVERLAP) low = middle;
    else high = middle;
  }
  return Math.max(2, Math.ceil(Math.log(sigmaMax / sigmaMin) / Math.log(low)) + 1);
}

/** Φ, by the rational approximation of Abramowitz & Stegun 1964, eq. 7.1.26; right to 1e-7. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = 0.5 * polynomial * Math.exp(-z * z);
  return x < 0 ? tail : 1 - tail;
}
