import type { ServerEma } from '@tributary/protocol/server-ema';

/** How one average of weights forgets. */
export type EmaDecay =
  | Exclude<ServerEma, { kind: 'power-function' }>
  | {
      readonly kind: 'power-function';
      /** > 0; the paper's widths 0.05 and 0.1 are about 16.97 and 6.94 (`gammaOfWidth`). */
      readonly gamma: number;
    };

/**
 * Share of the old average that update `n` keeps: the least of `decay` and, for
 *
 * - constant: (1 + n) / (10 + n), the warm-up of diffusers;
 * - inverse-power: 1 - (1 + n / inverseGamma)^-power;
 *
 * and for power-function (1 - 1 / (n + 1))^(gamma + 1), whose profile is a power function: Karras et al. 2024, eq. 127.
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
