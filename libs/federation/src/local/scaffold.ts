export interface LocalGradients {
  /** c_i; absent before the site's first round, when it is zero. */
  readonly localControl: Float32Array | undefined;
  /** Sum of the gradients of the round's local steps, before their correction. */
  readonly gradientSum: Float32Array;
  /** K: local steps; > 0. */
  readonly localSteps: number;
}

/**
 * What a site adds to its control variate after a round, and sends beside its update: Δc_i = 1/K Σ g_i(y_k) - c_i.
 * With plain SGD as the local optimiser this is option II of Karimireddy et al. 2020, algorithm 1, line 12:
 * (x - y_i) / (K·η_l) is the mean of the corrected gradients g_i + c - c_i. Written with gradients it holds for Adam too.
 */
export function controlChange({ localControl, gradientSum, localSteps }: LocalGradients): Float32Array {
  return gradientSum.map((sum, i) => sum / localSteps - (localControl?.[i] ?? 0));
}
