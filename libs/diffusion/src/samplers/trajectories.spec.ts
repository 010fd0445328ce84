import { describe, expect, it } from '@jest/globals';
import { denoisedFrom, preconditioning } from '../parameterisation/prediction.js';
import type { RawOutput } from '../parameterisation/raw-output.js';
import { createDdpmProcess, type DdpmProcess } from '../processes/ddpm-process.js';
import { CLEAN, type NoiseLevel } from '../processes/noise-process.js';
import type { BetaScheduleOptions } from '../schedules/beta-schedule.js';
import {
  referenceNoise,
  referenceStart,
  referenceVectors,
  worstDeviation,
  type TrajectoryVector,
} from '../reference-vectors.spec-support.js';
import { createAncestral } from './ancestral.js';
import { createDdim } from './ddim.js';
import { createDpmSolver } from './dpm-solver.js';
import { createEuler } from './euler.js';
import { createHeun } from './heun.js';
import { combine } from './image-arithmetic.js';
import { createLinearMultistep } from './linear-multistep.js';
import { createPndm } from './pndm.js';
import type { Denoiser, Sampler } from './sampler.js';
import { createUniPc } from './unipc.js';

const BETA_NAMES: Readonly<Record<string, BetaScheduleOptions['name']>> = {
  linear: 'linear',
  squaredcos_cap_v2: 'cosine',
};
const PREDICTIONS: Readonly<Record<string, RawOutput>> = {
  epsilon: 'epsilon',
  v_prediction: 'velocity',
  sample: 'sample',
};

/** The scheduler's own defaults where the case does not say: Heun's are those of Stable Diffusion. */
function processOf({ class: scheduler, config }: TrajectoryVector): DdpmProcess {
  const heun = scheduler === 'HeunDiscreteScheduler';
  return createDdpmProcess({
    name: BETA_NAMES[config.beta_schedule ?? 'linear'] ?? 'linear',
    trainSteps: 1000,
    betaStart: heun ? 0.00085 : 1e-4,
    betaEnd: heun ? 0.012 : 0.02,
    zeroTerminalSnr: config.rescale_betas_zero_snr === true,
  });
}

/** Flow matching: x_t = (1 - sigma) x_0 + sigma ε and the network gives ε - x_0, so x_0 = x_t - sigma F. */
const FLOW = 'FlowMatchEulerDiscreteScheduler';
const flowDenoiser: Denoiser = async (x, { time, sigma }) =>
  x.map((value) => value - sigma * (0.1 * value + (0.01 * time) / 1000));

function flowLevels({ sigmas = [], timesteps }: TrajectoryVector): NoiseLevel[] {
  return sigmas.map((sigma, i) => ({ time: timesteps[i] ?? 0, alpha: 1 - sigma, sigma }));
}

/** model_output = 0.1 x_in + 0.01 t / 1000, turned into a clean-image estimate. */
function denoiserOf(vector: TrajectoryVector): Denoiser {
  if (vector.class === FLOW) return flowDenoiser;
  const edm = vector.class.startsWith('EDM');
  const kind = edm ? 'edm' : PREDICTIONS[vector.config.prediction_type ?? 'epsilon'];
  return async (x, level) => {
    // Sigma-space schedulers hand the network x / sqrt(sigma² + 1): the variance-preserving image of the same level.
    const ratio = level.sigma / level.alpha;
    const alpha = edm ? level.alpha : 1 / Math.sqrt(ratio ** 2 + 1);
    const native = edm ? x : combine([alpha / level.alpha, x]);
    const nativeLevel = edm || level.alpha === 0 ? level : { time: level.time, alpha, sigma: ratio * alpha };
    const image = level.alpha === 0 ? x : native;
    const factors = preconditioning(kind ?? 'epsilon', nativeLevel, 0.5);
    const output = image.map((value) => 0.1 * factors.input * value + (0.01 * level.time) / 1000);
    return denoisedFrom(factors, image, output);
  };
}

/** diffusers' DDPM and DDIM always move by T / steps, whatever the spacing of their times: each move is a run of its own. */
function ownMoves(vector: TrajectoryVector): NoiseLevel[][] {
  const process = processOf(vector);
  const last = vector.config.set_alpha_to_one === false ? process.level(0) : CLEAN;
  const stride = 1000 / vector.timesteps.length;
  return vector.timesteps.map((t) => [process.level(t), t >= stride ? process.level(t - stride) : last]);
}

/** Nodes of the schedulers that keep the image scaled so that alpha = 1; Heun lists every second node twice. */
function scaledLevels(vector: TrajectoryVector): NoiseLevel[] {
  const levels = (vector.sigmas ?? []).map((sigma, i) => ({ time: vector.timesteps[i] ?? 0, alpha: 1, sigma }));
  return levels.filter(({ sigma }, i) => i === 0 || sigma !== levels[i - 1]?.sigma);
}

/** Nodes of DPM-Solver in diffusers: noise ratios from the table, back in the variance-preserving scale. */
function solverLevels(vector: TrajectoryVector): NoiseLevel[] {
  if (vector.class.startsWith('EDM')) return scaledLevels(vector);
  return (vector.sigmas ?? []).map((ratio, i) => {
    const alpha = 1 / Math.sqrt(ratio ** 2 + 1);
    return { time: vector.timesteps[i] ?? 0, alpha, sigma: ratio * alpha };
  });
}

interface Case {
  readonly sampler: Sampler;
  /** Nodes of each run; the image goes on from one run to the next. */
  readonly runs: (vector: TrajectoryVector) => NoiseLevel[][];
}

function caseOf({ class: scheduler, config, step_kw: step }: TrajectoryVector): Case | undefined {
  const clipRange = config.clip_sample === true ? 1 : undefined;
  switch (scheduler) {
    case 'DDIMScheduler':
      return { sampler: createDdim({ eta: step.eta, clipRange }), runs: ownMoves };
    case 'DDPMScheduler': {
      const variance = config.variance_type === 'fixed_large' ? 'large' : 'small';
      return { sampler: createAncestral({ variance, clipRange }), runs: ownMoves };
    }
    case 'EulerDiscreteScheduler':
    case 'EDMEulerScheduler':
      return { sampler: createEuler(), runs: (vector) => [scaledLevels(vector)] };
    case 'EulerAncestralDiscreteScheduler':
      // In noise ratios its move is the implicit model's with the posterior's variance.
      return { sampler: createDdim({ eta: 1 }), runs: (vector) => [scaledLevels(vector)] };
    case 'HeunDiscreteScheduler':
      return { sampler: createHeun(), runs: (vector) => [scaledLevels(vector)] };
    case 'DPMSolverMultistepScheduler':
    case 'EDMDPMSolverMultistepScheduler': {
      const order = config.solver_order === 1 ? 1 : config.solver_order === 3 ? 3 : 2;
      const stochastic = config.algorithm_type === 'sde-dpmsolver++';
      const correction = config.solver_type === 'heun' ? 'heun' : 'midpoint';
      return { sampler: createDpmSolver({ order, stochastic, correction }), runs: (vector) => [solverLevels(vector)] };
    }
    case 'UniPCMultistepScheduler':
      return { sampler: createUniPc(), runs: (vector) => [solverLevels(vector)] };
    case 'LMSDiscreteScheduler':
      return { sampler: createLinearMultistep(), runs: (vector) => [scaledLevels(vector)] };
    case 'PNDMScheduler': {
      const rungeKuttaStart = config.skip_prk_steps === false;
      return { sampler: createPndm({ rungeKuttaStart }), runs: (vector) => [evenLevels(vector)] };
    }
    // Euler on the flow's straight paths is the DDIM move.
    case FLOW:
      return { sampler: createDdim(), runs: (vector) => [flowLevels(vector)] };
    default:
      return undefined;
  }
}

/** PNDM in diffusers: T / steps apart and back to the first level, which stands for the clean image. */
function evenLevels(vector: TrajectoryVector): NoiseLevel[] {
  const process = processOf(vector);
  const times = Array.from({ length: 10 }, (_, i) => 900 - 100 * i);
  return [...times, 0].map((t) => process.level(t));
}

/** References list the image after every evaluation; samplers report after the last one of a move. */
function expectedStates({ class: scheduler, config, traj }: TrajectoryVector): number[][] {
  if (scheduler === 'HeunDiscreteScheduler') return traj.filter((_, i) => i % 2 === 1 || i === traj.length - 1);
  if (scheduler !== 'PNDMScheduler') return traj;
  return config.skip_prk_steps === true ? traj.slice(1) : traj.filter((_, i) => i >= 12 || i % 4 === 3);
}

async function states(vector: TrajectoryVector, { sampler, runs }: Case): Promise<Float64Array[]> {
  const seen: Float64Array[] = [];
  let draws = 0;
  let start: Float64Array = referenceStart.map((value) => value * vector.init_noise_sigma);
  for (const levels of runs(vector)) {
    start = await sampler({
      denoiser: denoiserOf(vector),
      process: processOf(vector),
      start,
      levels,
      noise: () => referenceNoise(draws++),
      afterStep: (x) => {
        seen.push(x);
        return x;
      },
    });
  }
  return seen;
}

const trajectories = Object.entries(referenceVectors.trajectories);

describe('ten-step trajectories', () => {
  it.each(trajectories)('%s agrees with the independent implementation', async (_, vector) => {
    const found = caseOf(vector);
    if (!found) throw new Error(`no sampler for ${vector.class}`);
    const actual = await states(vector, found);
    const expected = expectedStates(vector);
    expect(actual).toHaveLength(expected.length);
    actual.forEach((state, i) => {
      expect(worstDeviation(state, expected[i] ?? [])).toBeLessThan(1e-6);
    });
  });
});
