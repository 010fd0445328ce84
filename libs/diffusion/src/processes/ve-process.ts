import type { NoiseLevel, NoiseProcess } from './noise-process.js';
import { geometricSigmas, type SigmaRange } from '../schedules/sigma-schedule.js';

/** Sampling stops here: before it, the noise is less than a thousandth of sigmaMin. */
const EARLIEST_TIME = 1e-5;

/**
 * The variance-exploding SDE, Song et al. 2021, eq. 9: sigma(t) = sigmaMin (sigmaMax / sigmaMin)^t, t in [0, 1].
 * The marginal's variance is sigma(t)² - sigma(0)² (their eq. 29), because the process starts at the image itself.
 *
 * @throws RangeError when the sigmas are not 0 < sigmaMin < sigmaMax.
 */
export function createVeProcess(range: SigmaRange): NoiseProcess {
  const { sigmaMin, sigmaMax } = range;
  if (!(sigmaMin > 0 && sigmaMax > sigmaMin && Number.isFinite(sigmaMax))) {
    throw new RangeError(`sigmas must satisfy 0 < sigmaMin < sigmaMax, got ${sigmaMin} and ${sigmaMax}`);
  }
  const growth = Math.log(sigmaMax / sigmaMin);
  return {
    kind: 've',
    isDiscrete: false,
    minTime: EARLIEST_TIME,
    maxTime: 1,
    priorStddev: sigmaMax,
    level: (time) => ({ time, alpha: 1, sigma: sigmaMin * Math.sqrt(Math.expm1(2 * growth * time)) }),
    levelAtRatio: (sigma) => ({ time: Math.log1p((sigma / sigmaMin) ** 2) / (2 * growth), alpha: 1, sigma }),
    drift: () => 0,
    diffusion: (time) => sigmaMin * Math.exp(growth * time) * Math.sqrt(2 * growth),
  };
}

export interface NcsnOptions extends SigmaRange {
  /** Number of noise levels L; an integer >= 2 (NCSN: 10; NCSNv2: 232 for 32 px). */
  readonly levels: number;
}

export interface NcsnProcess extends NoiseProcess {
  /** Ascending: time i has sigma `sigmas[i]`. */
  readonly sigmas: Float64Array;
}

/**
 * The geometric ladder of noise-conditional score networks, Song & Ermon 2019: x_i = x_0 + sigma_i ε, i = 0 … L - 1.
 * As a discretised VE process, one unit of time is one level.
 *
 * @throws RangeError on a bad range or fewer than two levels.
 */
export function createNcsnProcess(options: NcsnOptions): NcsnProcess {
  if (options.levels < 2) throw new RangeError(`levels must be >= 2, got ${options.levels}`);
  const sigmas = geometricSigmas(options.levels, options).reverse();
  const lastTime = sigmas.length - 1;
  const logRatio = Math.log(options.sigmaMax / options.sigmaMin) / lastTime;
  const level = (time: number): NoiseLevel => ({ time, alpha: 1, sigma: options.sigmaMin * Math.exp(logRatio * time) });
  return {
    kind: 'ncsn',
    isDiscrete: true,
    sigmas,
    minTime: 0,
    maxTime: lastTime,
    priorStddev: options.sigmaMax,
    level,
    levelAtRatio: (sigma) => ({ time: Math.log(sigma / options.sigmaMin) / logRatio, alpha: 1, sigma }),
    drift: () => 0,
    diffusion: (time) => level(time).sigma * Math.sqrt(2 * logRatio),
  };
}
