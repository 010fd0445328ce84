import { deltaOf, stateOf, type ServerOptimiser } from './server-optimiser.js';

/** One step of AdamW, with the numbers that change from round to round. */
export interface AdamWStep {
  /** At this step of the schedule; > 0. */
  readonly learningRate: number;
  /** In [0, 1]. */
  readonly beta1: number;
  /** In [0, 1]. */
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled; >= 0. */
  readonly weightDecay: number;
  /** 1 in the first round. */
  readonly step: number;
}

/**
 * AdamW at the server (Loshchilov & Hutter 2019, algorithm 2), with the combined update Δ as the negative gradient:
 *
 *   m ← β1·m + (1 - β1)·Δ
 *   v ← β2·v + (1 - β2)·Δ²
 *   x ← x + η·(m / (1 - β1^t) / (√(v / (1 - β2^t)) + ε) - λ·x)
 *
 * @param settings Left out where only the names of the state vectors matter.
 * @throws RangeError by `step`, without settings.
 */
export function serverAdamW(settings?: AdamWStep): ServerOptimiser {
  return {
    name: 'adamw',
    stateVectors: [
      { name: 'first-moment', initial: 0 },
      { name: 'second-moment', initial: 0 },
    ],
    step: (window) => {
      if (settings === undefined) throw new RangeError('AdamW at the server needs its settings');
      const { learningRate, beta1, beta2, epsilon, weightDecay, step } = settings;
      const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
      const { weights, nextWeights } = window;
      const delta = deltaOf(window, 0);
      const [m, nextM] = stateOf(window, 0);
      const [v, nextV] = stateOf(window, 1);
      for (let i = 0; i < weights.length; i++) {
        const x = weights[i] ?? 0;
        const d = delta[i] ?? 0;
        const first = beta1 * (m[i] ?? 0) + (1 - beta1) * d;
        const second = beta2 * (v[i] ?? 0) + (1 - beta2) * d * d;
        const direction = first / correction1 / (Math.sqrt(second / correction2) + epsilon);
        nextM[i] = first;
        nextV[i] = second;
        nextWeights[i] = x + learningRate * (direction - weightDecay * x);
      }
    },
  };
}
