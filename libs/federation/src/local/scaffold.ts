/**
 * SCAFFOLD at the site, each local step: gradient += c - c_i. Karimireddy et al. 2020, algorithm 1, line 10.
 *
 * @param control      c, the server's.
 * @param localControl c_i, the site's own; zero before its first round.
 */
export function addControlDifference(
  gradient: Float32Array,
  { control, localControl }: { control: Float32Array; localControl: Float32Array },
): void {
  for (let i = 0; i < gradient.length; i++) {
    gradient[i] = (gradient[i] ?? 0) + (control[i] ?? 0) - (localControl[i] ?? 0);
  }
}

export interface LocalRound {
  readonly control: Float32Array;
  /** y_i - x: local weights after the round minus the global ones before it. */
  readonly update: Float32Array;
  /** K: local steps; > 0. */
  readonly localSteps: number;
  /** η_l; > 0. */
  readonly localLearningRate: number;
}

/**
 * What a site adds to its control variate after a round and sends beside its update:
 * Δc_i = -c + (x - y_i) / (K·η_l). Option II of Karimireddy et al. 2020, algorithm 1, line 12.
 */
export function controlUpdate({ control, update, localSteps, localLearningRate }: LocalRound): Float32Array {
  return control.map((c, i) => -c - (update[i] ?? 0) / (localSteps * localLearningRate));
}
