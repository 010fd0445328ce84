import { combine, type Term } from './image-arithmetic.js';

export interface OdeProblem {
  readonly from: number;
  readonly to: number;
  readonly start: Float64Array;
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  /** Seen after every accepted step; what it returns goes on. */
  readonly afterStep?: (state: Float64Array, time: number) => Promise<Float64Array> | Float64Array;
}

type Slope = (time: number, state: Float64Array) => Promise<Float64Array>;

/** Dormand & Prince 1980, table 2: nodes, stage weights, and the difference of the 5th- and 4th-order results. */
const NODES: readonly number[] = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const STAGES: readonly (readonly number[])[] = [
  [],
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const ERROR_WEIGHTS: readonly number[] = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

const SAFETY = 0.9;
const SMALLEST_CHANGE = 0.2;
const LARGEST_CHANGE = 5;
const MAX_STEPS = 100_000;

/**
 * Integrates dy/dt = slope(t, y) with step size control on the root mean square error (Hairer, Nørsett & Wanner 1993, II.4).
 *
 * @returns y at `to`.
 * @throws RangeError when the tolerances are not positive or the step size underflows.
 */
export async function integrateOde(slope: Slope, problem: OdeProblem): Promise<Float64Array> {
  const { from, to, relativeTolerance, absoluteTolerance } = problem;
  if (!(relativeTolerance > 0 && absoluteTolerance > 0)) throw new RangeError('ODE tolerances must be > 0');
  let time = from;
  let state = problem.start;
  let first = await slope(time, state);
  let step = initialStep(problem, state, first);
  for (let count = 0; time !== to; count++) {
    if (count === MAX_STEPS || Math.abs(step) < 1e-14 * Math.max(1e-300, Math.abs(time))) {
      throw new RangeError(`the ODE cannot be integrated to the tolerance beyond time ${time}`);
    }
    if (Math.abs(step) > Math.abs(to - time)) step = to - time;
    const stages = await evaluateStages(slope, { time, state, step, first });
    const next = stages.state;
    const error = scaledError(stages.slopes, step, { before: state, after: next, problem });
    if (error <= 1) {
      time = step === to - time ? to : time + step;
      state = problem.afterStep ? await problem.afterStep(next, time) : next;
      first = state === next ? (stages.slopes.at(-1) ?? first) : await slope(time, state);
    }
    const change = error === 0 ? LARGEST_CHANGE : SAFETY * error ** (-1 / 5);
    step *= Math.min(LARGEST_CHANGE, Math.max(SMALLEST_CHANGE, change));
  }
  return state;
}

interface Attempt {
  readonly time: number;
  readonly state: Float64Array;
  readonly step: number;
  readonly first: Float64Array;
}

/** All seven slopes and the 5th-order result; the last slope is the first one of the next step. */
async function evaluateStages(
  slope: Slope,
  { time, state, step, first }: Attempt,
): Promise<{ slopes: Float64Array[]; state: Float64Array }> {
  const slopes = [first];
  let reached = state;
  for (let stage = 1; stage < NODES.length; stage++) {
    reached = combine([1, state], ...weighted(slopes, STAGES[stage] ?? [], step));
    slopes.push(await slope(time + (NODES[stage] ?? 0) * step, reached));
  }
  return { slopes, state: reached };
}

function weighted(slopes: readonly Float64Array[], weights: readonly number[], step: number): Term[] {
  return slopes.map((slope, i): Term => [step * (weights[i] ?? 0), slope]);
}

interface ErrorScale {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly problem: OdeProblem;
}

function scaledError(slopes: readonly Float64Array[], step: number, { before, after, problem }: ErrorScale): number {
  const error = combine(...weighted(slopes, ERROR_WEIGHTS, step));
  let sum = 0;
  for (let i = 0; i < error.length; i++) {
    const size = Math.max(Math.abs(before[i] ?? 0), Math.abs(after[i] ?? 0));
    sum += ((error[i] ?? 0) / (problem.absoluteTolerance + problem.relativeTolerance * size)) ** 2;
  }
  return Math.sqrt(sum / error.length);
}

/** A hundredth of the time in which the state would change by its own size, at most a tenth of the way. */
function initialStep({ from, to, absoluteTolerance }: OdeProblem, state: Float64Array, slope: Float64Array): number {
  const size = Math.hypot(...state) + absoluteTolerance;
  const speed = Math.hypot(...slope);
  const way = to - from;
  const guess = speed > 0 ? (0.01 * size) / speed : Math.abs(way);
  return Math.sign(way) * Math.min(guess, 0.1 * Math.abs(way));
}
