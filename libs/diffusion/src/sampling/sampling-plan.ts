import { TributaryError } from '@tributary/protocol/errors';
import { samplerFaults, type SamplerName, type SamplerSettings } from '@tributary/protocol/samplers';
import type { RawOutput } from '../parameterisation/raw-output.js';
import { CLEAN, noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import { createAdaptiveOde } from '../samplers/adaptive-ode.js';
import { createAncestral } from '../samplers/ancestral.js';
import { createAnnealedLangevin, technique4StepSize } from '../samplers/annealed-langevin.js';
import { createDdim } from '../samplers/ddim.js';
import { createDpmSolver } from '../samplers/dpm-solver.js';
import { createEulerMaruyama } from '../samplers/euler-maruyama.js';
import { createEuler } from '../samplers/euler.js';
import { createHeun } from '../samplers/heun.js';
import { createLinearMultistep } from '../samplers/linear-multistep.js';
import { createPndm } from '../samplers/pndm.js';
import { createPredictorCorrector } from '../samplers/predictor-corrector.js';
import type { Sampler } from '../samplers/sampler.js';
import { createUniPc } from '../samplers/unipc.js';
import { linspace } from '../schedules/beta-schedule.js';
import { geometricSigmas, karrasSigmas, type SigmaRange } from '../schedules/sigma-schedule.js';
import { sampleTimesteps } from '../schedules/timestep-spacing.js';
import { limitedTo, type EstimateLimit } from './limited-estimate.js';
import { steeredTo, type Steering } from './steered-sampler.js';

/** A sampler bound to the noise levels that it will visit. */
export interface SamplingPlan {
  readonly sampler: Sampler;
  readonly levels: readonly NoiseLevel[];
  /** Whether the sampler moves between the ends of `levels` as it sees fit. */
  readonly isAdaptive: boolean;
  /** Standard deviation of the noise that sampling starts from. */
  readonly startStddev: number;
  /** Of every estimate of the clean image; undefined: none is needed. */
  readonly limit: EstimateLimit | undefined;
  /** What the sampler already does to estimates; another sampler in its place must do it too. */
  readonly steering: Steering;
}

export interface PlanOptions extends Steering {
  readonly process: NoiseProcess;
  /** What the network's raw output stands for. */
  readonly output: RawOutput;
  readonly sampler: SamplerName;
  /** Moves between noise levels; an integer >= 1. */
  readonly steps: number;
  /** Spacing of the levels of solvers of the ODE, `dpmpp-2m-sde` and all samplers of EDM; Karras et al. 2022, eq. 5. */
  readonly rho?: number;
  /** Moves of `langevin` at each level; NCSNv2: 5, the default. */
  readonly stepsPerLevel?: number;
  /** What the sampler leaves to choose. */
  readonly settings?: SamplerSettings;
}

/**
 * Noise levels and sampler for a run.
 *
 * @throws TributaryError `SAMPLER_INCOMPATIBLE`, naming the samplers that fit, when the sampler does not fit the process or
 *   the number of steps.
 */
export function planSampling(options: PlanOptions): SamplingPlan {
  assertFits(options);
  const { process } = options;
  const levels = [...noiseLevels(options), CLEAN];
  const [first = CLEAN, second = CLEAN] = levels;
  const isAmplified = options.output === 'epsilon';
  const limit = process.kind === 'edm' ? undefined : { range: DATA_RANGE, isAmplified };
  const sampler = createSampler(options.sampler, {
    levelRatio: noiseRatio(first) / noiseRatio(second),
    clipRange: limit?.range,
    stepsPerLevel: options.stepsPerLevel ?? DEFAULT_STEPS_PER_LEVEL,
    settings: options.settings ?? {},
  });
  const steering = { guide: options.guide, consistency: options.consistency };
  const steered = steeredTo(sampler, steering);
  return {
    // Ancestral sampling has nothing but its own clipping, as its paper does. Others: limiting the estimate alone, and not that of
    // the noise, leaves the error in the noise, and barely trained models then end in grey noise.
    sampler: options.sampler === 'ddpm' ? steered : limitedTo(steered, limit),
    levels,
    isAdaptive: options.sampler === 'ode',
    startStddev: (process.priorStddev * first.sigma) / process.level(process.maxTime).sigma,
    limit,
    steering,
  };
}

function assertFits({ process, sampler, steps, settings = {} }: PlanOptions): void {
  const [fault] = samplerFaults(process.kind, { sampler, steps, settings });
  if (fault?.path[0] === 'sampler')
    throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `${sampler} does not fit; use ${fault.expected}` });
  const most = process.isDiscrete ? process.maxTime + 1 : Infinity;
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    throw new TributaryError('SAMPLER_INCOMPATIBLE', {
      detail: `steps must be an integer from 1${process.isDiscrete ? ` to ${most}` : ''}, got ${steps}`,
    });
  }
  if (fault) {
    throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `${fault.path.join('.')} must be ${fault.expected}` });
  }
}

/**
 * Images lie in [-1, 1], and so does the mean of all images that fit a noisy one. Where the network's output is divided by a small
 * alpha or multiplied by a large sigma, an estimate outside is an error that would only grow. EDM's factors keep it small.
 */
const DATA_RANGE = 1;

const DEFAULT_STEPS_PER_LEVEL = 5;

/** Their moves are between noise ratios; the levels of Karras et al. 2022, eq. 5, share out the error of such moves. */
const KARRAS_LEVELS: ReadonlySet<SamplerName> = new Set([
  'heun',
  'dpmpp-2m',
  'dpmpp-2m-sde',
  'euler',
  'unipc',
  'lms',
  'pndm',
]);

interface SamplerParts {
  /** Ratio of two neighbouring noise levels; sets the step of Langevin dynamics. */
  readonly levelRatio: number;
  readonly clipRange: number | undefined;
  readonly stepsPerLevel: number;
  readonly settings: SamplerSettings;
}

function createSampler(name: SamplerName, { levelRatio, clipRange, stepsPerLevel, settings }: SamplerParts): Sampler {
  switch (name) {
    case 'ddpm':
      return createAncestral({ clipRange });
    case 'ddim':
      return createDdim({ eta: settings.eta });
    case 'heun':
      return createHeun(settings);
    case 'dpmpp-2m':
      return createDpmSolver();
    case 'dpmpp-2m-sde':
      return createDpmSolver({ stochastic: true });
    case 'euler':
      return createEuler();
    case 'unipc':
      return createUniPc();
    case 'lms':
      return createLinearMultistep();
    case 'pndm':
      return createPndm();
    case 'euler-maruyama':
      return createEulerMaruyama();
    case 'pc':
      return createPredictorCorrector(settings);
    case 'ode':
      return createAdaptiveOde({ relativeTolerance: settings.tolerance, absoluteTolerance: settings.tolerance });
    case 'langevin':
      return createAnnealedLangevin({ stepsPerLevel, stepSize: technique4StepSize(levelRatio, stepsPerLevel) });
  }
}

function noiseLevels({ process, sampler, steps, rho }: PlanOptions): NoiseLevel[] {
  // It chooses its own times; only the ends count.
  if (sampler === 'ode') return [process.level(process.maxTime), process.level(process.minTime)];
  if (sampler === 'langevin') return levelsAtRatios(process, geometricSigmas(steps, ratioRange(process)));
  if (process.kind === 'edm') return levelsAtRatios(process, karrasSigmas(steps, ratioRange(process), rho));
  if (KARRAS_LEVELS.has(sampler)) {
    return levelsAtRatios(process, karrasSigmas(steps, usefulRange(ratioRange(process)), rho));
  }
  if (process.isDiscrete) {
    const times = sampleTimesteps({ spacing: 'trailing', trainSteps: process.maxTime + 1, steps });
    return times.map((time) => process.level(time));
  }
  return Array.from(linspace(process.maxTime, process.minTime, steps), (time) => process.level(time));
}

function levelsAtRatios(process: NoiseProcess, ratios: Float64Array): NoiseLevel[] {
  return Array.from(ratios, (ratio) => process.levelAtRatio(ratio));
}

function ratioRange(process: NoiseProcess): SigmaRange {
  return {
    sigmaMin: noiseRatio(process.level(process.minTime)),
    sigmaMax: noiseRatio(process.level(process.maxTime)),
  };
}

/**
 * The noise ratios between which Karras et al. 2022, table 1, sample models of any process. Cosine betas end at a ratio of 20,000
 * and sub-VP begins at 0.0001: most of few steps would be spent where the image no longer changes.
 */
const KARRAS_RANGE: SigmaRange = { sigmaMin: 0.002, sigmaMax: 80 };

function usefulRange({ sigmaMin, sigmaMax }: SigmaRange): SigmaRange {
  const narrowed = {
    sigmaMin: Math.max(sigmaMin, KARRAS_RANGE.sigmaMin),
    sigmaMax: Math.min(sigmaMax, KARRAS_RANGE.sigmaMax),
  };
  return narrowed.sigmaMin < narrowed.sigmaMax ? narrowed : { sigmaMin, sigmaMax };
}
