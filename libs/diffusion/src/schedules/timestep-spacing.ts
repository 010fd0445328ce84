import { linspace } from './beta-schedule.js';

/** How `steps` sampling times are chosen among `trainSteps` discrete ones; names as in diffusers (Lin et al. 2024, table 2). */
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace' | 'linspace-open';

export interface TimestepOptions {
  readonly spacing: TimestepSpacing;
  readonly trainSteps: number;
  readonly steps: number;
  /** Added to every `leading` time (Stable Diffusion: 1). Default 0. */
  readonly offset?: number;
}

/**
 * Sampling times, descending. `linspace-open` has steps + 1 nodes from T - 1 to 0 and leaves out the last one, as DPM-Solver does.
 *
 * @throws RangeError when `steps` is not an integer in [1, trainSteps].
 * @example
 * sampleTimesteps({ spacing: 'leading', trainSteps: 1000, steps: 10 }); // 900, 800 … 0
 */
export function sampleTimesteps({ spacing, trainSteps, steps, offset = 0 }: TimestepOptions): number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > trainSteps) {
    throw new RangeError(`steps must be an integer from 1 to ${trainSteps}, got ${steps}`);
  }
  const last = trainSteps - 1;
  switch (spacing) {
    case 'leading': {
      const stride = Math.floor(trainSteps / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
    }
    case 'trailing':
      return Array.from({ length: steps }, (_, i) => Math.round(trainSteps - (i * trainSteps) / steps) - 1);
    case 'linspace':
      return Array.from(linspace(0, last, steps), roundHalfToEven).reverse();
    case 'linspace-open':
      return Array.from(linspace(0, last, steps + 1), roundHalfToEven)
        .reverse()
        .slice(0, steps);
  }
}

/** numpy's rounding, which the reference schedulers use: 499.5 becomes 500, 500.5 becomes 500. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
