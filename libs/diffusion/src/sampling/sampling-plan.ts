import { TributaryError } from '@tributary/protocol';
import { CLEAN, noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import { createAncestral } from '../samplers/ancestral.js';
import { createDdim } from '../samplers/ddim.js';
import { createDpmSolver } from '../samplers/dpm-solver.js';
import { createHeun } from '../samplers/heun.js';
import type { Sampler } from '../samplers/sampler.js';
import { karrasSigmas } from '../schedules/sigma-schedule.js';
import { sampleTimesteps } from '../schedules/timestep-spacing.js';

/** Samplers by the names that recipes and the command line use. */
export const SAMPLER_NAMES = ['ddpm', 'ddim', 'heun', 'dpmpp-2m'] as const;
export type SamplerName = (typeof SAMPLER_NAMES)[number];

/** A sampler bound to the noise levels that it will visit. */
export interface SamplingPlan {
  readonly sampler: Sampler;
  readonly levels: readonly NoiseLevel[];
  /** Standard deviation of the noise that sampling starts from. */
  readonly startStddev: number;
}

export interface PlanOptions {
  readonly process: NoiseProcess;
  readonly sampler: SamplerName;
  /** Moves; an integer >= 1. Heun costs two evaluations a move but the last. */
  readonly steps: number;
  readonly rho?: number;
}

/**
 * Noise levels and sampler for a run.
 *
 * @throws TributaryError `SAMPLER_INCOMPATIBLE`, naming the samplers that fit, when the sampler does not fit the process or
 *   the number of steps.
 */
export function planSampling(options: PlanOptions): SamplingPlan {
  const { process, sampler, steps } = options;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `steps must be an integer >= 1, got ${steps}` });
  }
  const levels = [...noiseLevels(options), CLEAN];
  const first = levels[0] ?? CLEAN;
  const startStddev = (process.priorStddev * first.sigma) / process.level(process.maxTime).sigma;
  return { sampler: SAMPLERS[sampler](), levels, startStddev };
}

const SAMPLERS: Readonly<Record<SamplerName, () => Sampler>> = {
  ddpm: () => createAncestral(),
  ddim: () => createDdim(),
  heun: () => createHeun(),
  'dpmpp-2m': () => createDpmSolver(),
};

function noiseLevels({ process, sampler, steps, rho }: PlanOptions): NoiseLevel[] {
  if (process.name === 'ddpm' && (sampler === 'ddpm' || sampler === 'ddim')) {
    const trainSteps = process.maxTime + 1;
    if (steps > trainSteps) {
      throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `at most ${trainSteps} steps, got ${steps}` });
    }
    return sampleTimesteps({ spacing: 'trailing', trainSteps, steps }).map((time) => process.level(time));
  }
  const range = {
    sigmaMin: noiseRatio(process.level(process.minTime)),
    sigmaMax: noiseRatio(process.level(process.maxTime)),
  };
  return Array.from(karrasSigmas(steps, range, rho), (sigma) => process.levelAtRatio(sigma));
}
