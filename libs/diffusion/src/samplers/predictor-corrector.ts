import { combine, norm } from './image-arithmetic.js';
import { nodesOf, type Sampler, type SamplerRun, type SamplerStep } from './sampler.js';
import { scoreAt } from './score.js';
import type { NoiseLevel } from '../processes/noise-process.js';

export interface PredictorCorrectorOptions {
  /** `none` makes it a pure corrector, as NCSN. Default `reverse-diffusion`. */
  readonly predictor?: 'reverse-diffusion' | 'none';
  /** `langevin` sets the step from the norms of score and noise, `annealed` from the noise level alone. */
  readonly corrector?: 'langevin' | 'annealed' | 'none';
  /** Signal-to-noise ratio r of the corrector; > 0 (paper: 0.16). */
  readonly snr?: number;
  /** Corrector moves a noise level. Default 1. */
  readonly correctorSteps?: number;
}

/**
 * Predictor-corrector sampling, Song et al. 2021, algorithm 1; the last move is the denoiser's estimate.
 *
 * @throws RangeError when snr is not positive or correctorSteps is not an integer >= 0.
 */
export function createPredictorCorrector(options: PredictorCorrectorOptions = {}): Sampler {
  const { predictor = 'reverse-diffusion', corrector = 'langevin', snr = 0.16, correctorSteps = 1 } = options;
  if (!(snr > 0)) throw new RangeError(`snr must be > 0, got ${snr}`);
  if (!Number.isInteger(correctorSteps) || correctorSteps < 0) {
    throw new RangeError(`correctorSteps must be an integer >= 0, got ${correctorSteps}`);
  }
  return async (run) => {
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const { from, to } = nodesOf(run, index);
      for (let i = 0; corrector !== 'none' && i < correctorSteps; i++) {
        x = await correct({ x, level: from, run, snr, corrector });
      }
      if (to.sigma === 0) x = await run.denoiser(x, from);
      else if (predictor !== 'none') x = await reverseDiffusionMove({ x, from, to, index, run });
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

/** Reverse diffusion sampling alone, Song et al. 2021, appendix E. */
export function createReverseDiffusion(): Sampler {
  return createPredictorCorrector({ corrector: 'none' });
}

/**
 * Their eq. 46 with the exact transition x_t = a x_s + b z between neighbouring nodes: the reverse move is
 * x_s = (2 - a) x_t + b² ∇ log p_t(x_t) + b z.
 */
async function reverseDiffusionMove({ x, from, to, run }: SamplerStep): Promise<Float64Array> {
  const a = from.alpha / to.alpha;
  const b = Math.sqrt(from.sigma ** 2 - (a * to.sigma) ** 2);
  const score = await scoreAt(run.denoiser, x, from);
  return combine([2 - a, x], [b ** 2, score], [b, run.noise()]);
}

interface Correction {
  readonly x: Float64Array;
  readonly level: NoiseLevel;
  readonly run: SamplerRun;
  readonly snr: number;
  readonly corrector: 'langevin' | 'annealed';
}

/** One Langevin move x + ε s + sqrt(2 ε) z; ε = 2 (r ‖z‖ / ‖s‖)² (algorithm 4) or 2 (r sigma)² (algorithm 5's annealing). */
async function correct({ x, level, run, snr, corrector }: Correction): Promise<Float64Array> {
  const score = await scoreAt(run.denoiser, x, level);
  const z = run.noise();
  const root = corrector === 'langevin' ? (snr * norm(z)) / norm(score) : snr * level.sigma;
  const stepSize = 2 * level.alpha ** 2 * root ** 2;
  return combine([1, x], [stepSize, score], [Math.sqrt(2 * stepSize), z]);
}
