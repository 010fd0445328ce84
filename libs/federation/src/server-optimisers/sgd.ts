import { deltaOf, type ServerOptimiser } from './server-optimiser.js';

/**
 * x ← x + η·Δ: FedAvg at η = 1. McMahan et al. 2017; the server learning rate is Reddi et al. 2021, algorithm 1.
 *
 * @param learningRate η; finite, > 0.
 */
export function serverSgd(learningRate: number): ServerOptimiser {
  return {
    name: 'sgd',
    stateVectors: [],
    step: (window) => {
      const { weights, nextWeights } = window;
      const delta = deltaOf(window, 0);
      for (let i = 0; i < weights.length; i++) nextWeights[i] = (weights[i] ?? 0) + learningRate * (delta[i] ?? 0);
    },
  };
}
