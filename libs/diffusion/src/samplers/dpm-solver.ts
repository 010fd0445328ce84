import { logSnrHalf, type NoiseLevel } from '../processes/noise-process.js';
import { combine, type Term } from './image-arithmetic.js';
import { nodesOf, type Sampler, type SamplerRun } from './sampler.js';

export interface DpmSolverOptions {
  /** Earlier estimates used by a step: 1, 2 (default) or 3. */
  readonly order?: 1 | 2 | 3;
  /** How the second-order term is integrated; see Lu et al. 2022, appendix. */
  readonly correction?: 'midpoint' | 'heun';
  /** Solve the reverse SDE instead of the ODE; orders 1 and 2. */
  readonly stochastic?: boolean;
}

/** One clean-image estimate of the run so far, with the node where it was made. */
interface Estimate {
  readonly denoised: Float64Array;
  readonly lambda: number;
}

/** Below this number of steps the last ones fall back to lower orders, as in the authors' code. */
const FEW_STEPS = 15;

/**
 * DPM-Solver++ multistep, Lu et al. 2022 ("DPM-Solver++"), algorithm 2; with `stochastic`, SDE-DPM-Solver++.
 *
 * @throws RangeError for a stochastic third order, which the paper does not have.
 */
export function createDpmSolver(options: DpmSolverOptions = {}): Sampler {
  const { order = 2, stochastic = false } = options;
  if (stochastic && order > 2) throw new RangeError('the stochastic DPM-Solver++ has orders 1 and 2');
  return async (run) => {
    const history: Estimate[] = [];
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const { from, to } = nodesOf(run, index);
      history.unshift({ denoised: await run.denoiser(x, from), lambda: logSnrHalf(from) });
      const allowed = orderAt(index, run.levels, order);
      const terms = solverTerms({ x, from, to, history: history.slice(0, allowed), options });
      x = combine(...terms, ...noiseTerms({ from, to, run, stochastic }));
      history.splice(order);
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

function orderAt(index: number, levels: readonly NoiseLevel[], order: number): number {
  const steps = levels.length - 1;
  const left = steps - index;
  const endsClean = levels[steps]?.sigma === 0;
  if (left === 1 && (endsClean || steps < FEW_STEPS)) return 1;
  if (left === 2 && steps < FEW_STEPS) return Math.min(order, 2);
  return order;
}

interface Update {
  readonly x: Float64Array;
  readonly from: NoiseLevel;
  readonly to: NoiseLevel;
  /** Newest first; as many as the order of this step, fewer at the start. */
  readonly history: readonly Estimate[];
  readonly options: DpmSolverOptions;
}

/** x_t = sigma_t/sigma_s x - alpha_t (e^-h - 1) D0 + …; h = lambda_t - lambda_s. The SDE's factors are those of 2h. */
function solverTerms({ x, from, to, history, options }: Update): Term[] {
  const [current, previous, beforePrevious] = history;
  if (!current) throw new RangeError('a solver step needs an estimate');
  const h = logSnrHalf(to) - current.lambda;
  const decay = Math.exp(-h);
  const gain = to.alpha * (options.stochastic ? 1 - decay ** 2 : 1 - decay);
  const terms: Term[] = [
    [(to.sigma / from.sigma) * (options.stochastic ? decay : 1), x],
    [gain, current.denoised],
  ];
  if (!previous) return terms;

  const r0 = (current.lambda - previous.lambda) / h;
  const d1: Term[] = [
    [1 / r0, current.denoised],
    [-1 / r0, previous.denoised],
  ];
  if (!beforePrevious) {
    const heun = to.alpha * ((decay - 1) / h + 1);
    return [...terms, ...scale(options.correction === 'heun' ? heun : 0.5 * gain, d1)];
  }
  const r1 = (previous.lambda - beforePrevious.lambda) / h;
  const d1Earlier: Term[] = [
    [1 / r1, previous.denoised],
    [-1 / r1, beforePrevious.denoised],
  ];
  const difference = [...d1, ...scale(-1, d1Earlier)];
  const first = [...d1, ...scale(r0 / (r0 + r1), difference)];
  const second = scale(1 / (r0 + r1), difference);
  const factorFirst = to.alpha * ((decay - 1) / h + 1);
  const factorSecond = -to.alpha * ((decay - 1 + h) / h ** 2 - 0.5);
  return [...terms, ...scale(factorFirst, first), ...scale(factorSecond, second)];
}

function scale(factor: number, terms: readonly Term[]): Term[] {
  return terms.map(([own, image]) => [factor * own, image] as const);
}

interface NoiseStep {
  readonly from: NoiseLevel;
  readonly to: NoiseLevel;
  readonly run: SamplerRun;
  readonly stochastic: boolean;
}

function noiseTerms({ from, to, run, stochastic }: NoiseStep): Term[] {
  if (!stochastic || to.sigma === 0) return [];
  const h = logSnrHalf(to) - logSnrHalf(from);
  return [[to.sigma * Math.sqrt(1 - Math.exp(-2 * h)), run.noise()]];
}
