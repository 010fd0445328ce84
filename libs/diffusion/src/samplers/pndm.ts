import type { NoiseLevel } from '../processes/noise-process.js';
import { combine, type Term } from './image-arithmetic.js';
import { nodesOf, type Denoiser, type Sampler, type SamplerStep } from './sampler.js';

export interface PndmOptions {
  /** Start with three fourth-order Runge-Kutta moves instead of one second-order move. */
  readonly rungeKuttaStart?: boolean;
}

/** Adams-Bashforth weights by number of slopes, newest first. */
const ADAMS_BASHFORTH: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];
const RUNGE_KUTTA_MOVES = 3;

/** Pseudo numerical methods, Liu et al. 2022: linear multistep on the noise estimate, moved by the DDIM transfer (their eq. 11). */
export function createPndm({ rungeKuttaStart = false }: PndmOptions = {}): Sampler {
  return async (run) => {
    const slopes: Float64Array[] = [];
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const move = { x, index, run, ...nodesOf(run, index) };
      slopes.unshift(await epsilonAt(run.denoiser, x, move.from));
      slopes.splice(ADAMS_BASHFORTH.length);
      if (rungeKuttaStart && index < RUNGE_KUTTA_MOVES) x = await rungeKuttaMove(move, slopes[0] ?? x);
      else if (index === 0) x = await improvedEulerMove(move, slopes[0] ?? x);
      else x = transfer(move, combine(...multistep(slopes)));
      if (run.afterStep) x = await run.afterStep(x, move.to);
    }
    return x;
  };
}

function multistep(slopes: readonly Float64Array[]): Term[] {
  const weights = ADAMS_BASHFORTH[slopes.length - 1] ?? [];
  return slopes.map((slope, i) => [weights[i] ?? 0, slope] as const);
}

async function improvedEulerMove(move: SamplerStep, first: Float64Array): Promise<Float64Array> {
  const second = await epsilonAt(move.run.denoiser, transfer(move, first), move.to);
  return transfer(move, combine([0.5, first], [0.5, second]));
}

async function rungeKuttaMove(move: SamplerStep, e1: Float64Array): Promise<Float64Array> {
  const { denoiser, process } = move.run;
  const middle = process.level((move.from.time + move.to.time) / 2);
  const half = { ...move, to: middle };
  const e2 = await epsilonAt(denoiser, transfer(half, e1), middle);
  const e3 = await epsilonAt(denoiser, transfer(half, e2), middle);
  const e4 = await epsilonAt(denoiser, transfer(move, e3), move.to);
  return transfer(move, combine([1 / 6, e1], [1 / 3, e2], [1 / 3, e3], [1 / 6, e4]));
}

async function epsilonAt(denoiser: Denoiser, x: Float64Array, level: NoiseLevel): Promise<Float64Array> {
  return combine([1 / level.sigma, x], [-level.alpha / level.sigma, await denoiser(x, level)]);
}

/** x_s = alpha_s/alpha_t x + (sigma_s - alpha_s sigma_t / alpha_t) ε. */
function transfer({ x, from, to }: Pick<SamplerStep, 'x' | 'from' | 'to'>, epsilon: Float64Array): Float64Array {
  const scale = to.alpha / from.alpha;
  return combine([scale, x], [to.sigma - scale * from.sigma, epsilon]);
}
