import type { Combiner } from '../combiners/combiner.js';
import type { ServerOptimiser } from '../server-optimisers/server-optimiser.js';

/** How updates become the next global weights: combine them, then step. Both halves are pure functions of windows. */
export interface Strategy {
  readonly name: string;
  /** Updates longer than this (Euclidean norm) are scaled down to it before anything else; absent: as they are. */
  readonly clipNorm?: number;
  readonly combiner: Combiner;
  /** Combiners of vectors that are combined otherwise, by the vector's name. */
  readonly vectorCombiners: Readonly<Record<string, Combiner>>;
  readonly serverOptimiser: ServerOptimiser;
  /**
   * Vectors that an update carries, ascending by name. One: the update itself, under the plain parameter names.
   * More: each under `<vector>/<parameter>`; the server optimiser sees them in this order.
   */
  readonly updateVectors: readonly string[];
}
