import { deltaOf, stateOf, type ServerOptimiser } from './server-optimiser.js';

/**
 * FedAvgM: v ← β·v + Δ; x ← x + η·v. Carries the direction of earlier rounds. Hsu et al. 2019, section 4.
 *
 * @param learningRate η; finite, > 0.
 * @param momentum     β in [0, 1).
 */
export function serverMomentum(learningRate: number, momentum: number): ServerOptimiser {
  return {
    name: 'momentum',
    stateVectors: [{ name: 'momentum', initial: 0 }],
    step: (window) => {
      const { weights, nextWeights } = window;
      const delta = deltaOf(window, 0);
      const [v, nextV] = stateOf(window, 0);
      for (let i = 0; i < weights.length; i++) {
        const velocity = momentum * (v[i] ?? 0) + (delta[i] ?? 0);
        nextV[i] = velocity;
        nextWeights[i] = (weights[i] ?? 0) + learningRate * velocity;
      }
    },
  };
}
