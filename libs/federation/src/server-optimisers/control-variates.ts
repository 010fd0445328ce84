import { deltaOf, stateOf, type ServerOptimiser } from './server-optimiser.js';

/** Name of the server's control variate c among its state vectors. */
export const CONTROL_VECTOR = 'control';

/** Vectors of a SCAFFOLD update, ascending by name: what changed in the site's control variate, and in its weights. */
export const SCAFFOLD_VECTORS = [CONTROL_VECTOR, 'update'] as const;

/**
 * SCAFFOLD's server: x ← x + η·Δy; c ← c + 1/N Σ Δc_i. Sites subtract c_i and add c in their local steps.
 * Karimireddy et al. 2020, algorithm 1, lines 16-17: |S|/N times the mean over S is the sum over S divided by N, which the
 * combiner of the control variates gives (`equalShareOfAll`).
 *
 * @param learningRate η_g; finite, > 0.
 */
export function controlVariates(learningRate: number): ServerOptimiser {
  return {
    name: 'control variates',
    stateVectors: [{ name: CONTROL_VECTOR, initial: 0 }],
    step: (window) => {
      const { weights, nextWeights } = window;
      const deltaControl = deltaOf(window, 0);
      const delta = deltaOf(window, 1);
      const [control, nextControl] = stateOf(window, 0);
      for (let i = 0; i < weights.length; i++) {
        nextControl[i] = (control[i] ?? 0) + (deltaControl[i] ?? 0);
        nextWeights[i] = (weights[i] ?? 0) + learningRate * (delta[i] ?? 0);
      }
    },
  };
}
