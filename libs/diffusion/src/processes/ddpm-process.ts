import type { NoiseLevel, NoiseProcess } from './noise-process.js';
import { alphaBars, betaSchedule, type BetaScheduleOptions } from '../schedules/beta-schedule.js';

export interface DdpmProcess extends NoiseProcess {
  readonly betas: Float64Array;
  /** alphaBar_t = Π (1 - beta_s). */
  readonly alphaBars: Float64Array;
}

/**
 * The discrete process of Ho et al. 2020: alpha_t = sqrt(alphaBar_t), sigma_t = sqrt(1 - alphaBar_t), t = 0 … T - 1.
 *
 * Between two steps the noise ratio is interpolated in its logarithm, as k-diffusion and diffusers do for Karras' sigmas.
 *
 * @throws RangeError as `betaSchedule`.
 */
export function createDdpmProcess(options: BetaScheduleOptions): DdpmProcess {
  const betas = betaSchedule(options);
  const bars = alphaBars(betas);
  const logRatios = bars.map((bar) => 0.5 * Math.log((1 - bar) / bar));
  const lastTime = betas.length - 1;

  const level = (time: number): NoiseLevel => {
    if (!(time >= 0 && time <= lastTime)) throw new RangeError(`time must lie in [0, ${lastTime}], got ${time}`);
    if (Number.isInteger(time)) {
      const bar = bars[time] ?? 0;
      return { time, alpha: Math.sqrt(bar), sigma: Math.sqrt(1 - bar) };
    }
    const below = Math.floor(time);
    const logRatio = mix(logRatios[below] ?? 0, logRatios[below + 1] ?? 0, time - below);
    return variancePreservingLevel(time, Math.exp(logRatio));
  };
  const beta = (time: number): number => betas[Math.min(lastTime, Math.max(0, Math.round(time)))] ?? 0;
  return {
    kind: 'ddpm',
    isDiscrete: true,
    betas,
    alphaBars: bars,
    minTime: 0,
    maxTime: lastTime,
    priorStddev: 1,
    level,
    levelAtRatio: (ratio) => variancePreservingLevel(timeOfLogRatio(logRatios, Math.log(ratio)), ratio),
    drift: (time) => -0.5 * beta(time),
    diffusion: (time) => Math.sqrt(beta(time)),
  };
}

/** alpha² + sigma² = 1 with sigma / alpha = ratio. */
function variancePreservingLevel(time: number, ratio: number): NoiseLevel {
  const alpha = 1 / Math.sqrt(1 + ratio ** 2);
  return { time, alpha, sigma: ratio * alpha };
}

/** Position of `target` in an ascending table, between two entries by linear interpolation, clamped to its ends. */
function timeOfLogRatio(table: Float64Array, target: number): number {
  let low = 0;
  let high = table.length - 1;
  if (target <= (table[low] ?? 0)) return low;
  if (target >= (table[high] ?? 0)) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((table[middle] ?? 0) <= target) low = middle;
    else high = middle;
  }
  const from = table[low] ?? 0;
  const to = table[high] ?? 0;
  return low + (target - from) / (to - from);
}

function mix(from: number, to: number, fraction: number): number {
  return from + (to - from) * fraction;
}
