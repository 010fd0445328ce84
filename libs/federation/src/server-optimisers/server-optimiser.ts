/** A vector with one number a parameter that the server keeps from round to round. */
export interface StateVector {
  readonly name: string;
  /** Value of every element before the first round. */
  readonly initial: number;
}

/** One window of the server's step. All arrays have the same length; `next*` are overwritten. */
export interface ServerWindow {
  readonly weights: Float32Array;
  /** The combined update, local minus global: the server moves along it. One a vector that the updates carry. */
  readonly deltas: readonly Float64Array[];
  /** In the order of `stateVectors`. */
  readonly state: readonly Float32Array[];
  readonly nextWeights: Float32Array;
  readonly nextState: readonly Float32Array[];
}

/** How the combined update moves the global weights: x_(t+1) and the server's state from x_t, delta_t and the state. Pure. */
export interface ServerOptimiser {
  readonly name: string;
  /** Ascending by name. */
  readonly stateVectors: readonly StateVector[];
  step(window: ServerWindow): void;
}

const EMPTY = new Float32Array(0);
const EMPTY_DELTA = new Float64Array(0);

/** State vector `index` of a window, before and after the step. */
export function stateOf({ state, nextState }: ServerWindow, index: number): [Float32Array, Float32Array] {
  return [state[index] ?? EMPTY, nextState[index] ?? EMPTY];
}

/** Combined vector `index` of a window. */
export function deltaOf({ deltas }: ServerWindow, index: number): Float64Array {
  return deltas[index] ?? EMPTY_DELTA;
}
