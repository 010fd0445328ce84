import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';
import { combine } from './image-arithmetic.js';
import { integrateOde } from './runge-kutta.js';
import type { Denoiser, Sampler } from './sampler.js';
import { scoreAt } from './score.js';

export interface AdaptiveOdeOptions {
  /** Tolerances of one step; > 0 (paper: 1e-5 each). */
  readonly relativeTolerance?: number;
  readonly absoluteTolerance?: number;
}

/** dx/dt = f(t) x - ½ g(t)² ∇ log p_t(x), Song et al. 2021, eq. 13. */
export async function probabilityFlow(
  { process, denoiser }: { readonly process: NoiseProcess; readonly denoiser: Denoiser },
  x: Float64Array,
  level: NoiseLevel,
): Promise<Float64Array> {
  const score = await scoreAt(denoiser, x, level);
  return combine([process.drift(level.time), x], [-0.5 * process.diffusion(level.time) ** 2, score]);
}

/**
 * The probability-flow ODE by an adaptive Runge-Kutta method of order 5(4). Of the noise levels, only the first and the last
 * noisy one are used; a clean last node is reached by the denoiser's estimate.
 */
export function createAdaptiveOde(options: AdaptiveOdeOptions = {}): Sampler {
  const { relativeTolerance = 1e-5, absoluteTolerance = 1e-5 } = options;
  return async (run) => {
    const noisy = run.levels.filter(({ sigma }) => sigma > 0);
    const first = noisy[0];
    const last = noisy.at(-1);
    const end = run.levels.at(-1);
    if (!first || !last || !end) throw new RangeError('the ODE needs a noisy start');
    const x = await integrateOde((time, state) => probabilityFlow(run, state, run.process.level(time)), {
      from: first.time,
      to: last.time,
      start: run.start,
      relativeTolerance,
      absoluteTolerance,
      afterStep: run.afterStep && ((state, time) => run.afterStep?.(state, run.process.level(time)) ?? state),
    });
    return end.sigma === 0 ? run.denoiser(x, last) : x;
  };
}
