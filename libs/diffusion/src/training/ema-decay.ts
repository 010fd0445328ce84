/** How an average of weights forgets. */
export type EmaDecay =
  | {
      /** min(decay, (1 + n) / (10 + n)): the warm-up of diffusers and of the server's average. */
      readonly kind: 'constant';
      /** In [0, 1). */
      readonly decay: number;
    }
  | {
      /** 1 - (1 + n / inverseGamma)^-power: slow forgetting that grows with the run; power 2/3 or 3/4. */
      readonly kind: 'inverse-power';
      readonly decay: number;
      readonly inverseGamma: number;
      readonly power: number;
    }
  | {
      /** (1 - 1/n)^(gamma + 1): the average whose profile is a power function, Karras et al. 2024, eq. 4. */
      readonly kind: 'power-function';
      /** > 0; the paper's widths 0.05 and 0.1 are about 16.97 and 6.94 (`gammaOfWidth`). */
      readonly gamma: number;
    };

/**
 * Share of the old average that update `n` keeps.
 *
 * @param n Updates made before this one, >= 0; the first takes the weights as they are.
 * @throws RangeError when n is negative.
 */
export function emaDecayAt(settings: EmaDecay, n: number): number {
  if (!(n >= 0)) throw new RangeError(`n must be >= 0, got ${n}`);
  if (n === 0) return 0;
  switch (settings.kind) {
    case 'constant':
      return Math.min(settings.decay, (1 + n) / (10 + n));
    case 'inverse-power':
      return Math.min(settings.decay, 1 - (1 + n / settings.inverseGamma) ** -settings.power);
    case 'power-function':
      return (1 - 1 / (n + 1)) ** (settings.gamma + 1);
  }
}

/**
 * gamma of a power-function average from the standard deviation of its profile in units of training time: the real root > 0 of
 * gamma³ + 7 gamma² + (16 - width^-2) gamma + 12 - width^-2 = 0, Karras et al. 2024, algorithm 2.
 *
 * @param width In (0, 0.28): the paper uses 0.01 to 0.25.
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
