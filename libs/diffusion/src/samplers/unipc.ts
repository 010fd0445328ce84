import { logSnrHalf, type NoiseLevel } from '../processes/noise-process.js';
import { combine, type Term } from './image-arithmetic.js';
import { nodesOf, type Sampler } from './sampler.js';

interface Estimate {
  readonly denoised: Float64Array;
  readonly lambda: number;
}

interface Move {
  readonly x: Float64Array;
  readonly from: NoiseLevel;
  readonly to: NoiseLevel;
  /** At `from` and, for second order, at the node before; newest first. */
  readonly history: readonly Estimate[];
}

/**
 * UniPC of order 2 with B(h) = e^h - 1 on the clean-image estimate, Zhao et al. 2023, algorithms 1 and 2:
 * every evaluation also corrects the move that led to it.
 */
export function createUniPc(): Sampler {
  return async (run) => {
    const history: Estimate[] = [];
    const last = run.levels.length - 2;
    let previous: Move | undefined;
    let x = run.start;
    for (let index = 0; index <= last; index++) {
      const { from, to } = nodesOf(run, index);
      const estimate = { denoised: await run.denoiser(x, from), lambda: logSnrHalf(from) };
      if (previous) x = corrected(previous, estimate.denoised);
      history.unshift(estimate);
      history.splice(2);
      previous = { x, from, to, history: history.slice(0, index === last ? 1 : 2) };
      x = predicted(previous);
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

function predicted(move: Move): Float64Array {
  const { current, h, base, older } = expansion(move);
  if (!older) return combine(...base);
  const gain = -move.to.alpha * Math.expm1(-h) * 0.5;
  return combine(...base, [gain / older.ratio, older.denoised], [-gain / older.ratio, current.denoised]);
}

function corrected(move: Move, arrived: Float64Array): Float64Array {
  const { current, h, base, older } = expansion(move);
  const gain = -move.to.alpha * Math.expm1(-h);
  const [own, other] = correctorWeights(h, older?.ratio);
  const terms: Term[] = [...base, [gain * own, arrived], [-gain * own, current.denoised]];
  if (!older) return combine(...terms);
  const factor = (gain * other) / older.ratio;
  return combine(...terms, [factor, older.denoised], [-factor, current.denoised]);
}

interface Expansion {
  readonly current: Estimate;
  readonly h: number;
  /** sigma_t/sigma_s x - alpha_t (e^-h - 1) D0. */
  readonly base: Term[];
  readonly older: { readonly denoised: Float64Array; readonly ratio: number } | undefined;
}

function expansion({ x, from, to, history }: Move): Expansion {
  const [current, before] = history;
  if (!current) throw new RangeError('a solver step needs an estimate');
  const h = logSnrHalf(to) - current.lambda;
  const base: Term[] = [
    [to.sigma / from.sigma, x],
    [-to.alpha * Math.expm1(-h), current.denoised],
  ];
  const older = before && { denoised: before.denoised, ratio: (before.lambda - current.lambda) / h };
  return { current, h, base, older };
}

/** Solution of the 1 x 1 or 2 x 2 system of theorem 3.1: weights of the arrived and of the older difference. */
function correctorWeights(h: number, ratio: number | undefined): readonly [number, number] {
  if (ratio === undefined) return [0.5, 0];
  const phi1 = Math.expm1(-h);
  const phi2 = phi1 / -h - 1;
  const phi3 = phi2 / -h - 0.5;
  const b1 = phi2 / phi1;
  const b2 = (2 * phi3) / phi1;
  const other = (b2 - b1) / (ratio - 1);
  return [b1 - other, other];
}
