import { deltaOf, stateOf, type ServerOptimiser } from './server-optimiser.js';

/** v_t from v_(t-1) and the squared update Δ². */
type SecondMoment = (v: number, squaredDelta: number) => number;

export interface AdaptiveOptions {
  /** η; finite, > 0. */
  readonly learningRate: number;
  /** β1, share of the past in the first moment; in [0, 1). */
  readonly beta1: number;
  /** τ, degree of adaptivity: the smaller, the more; > 0 (paper: 1e-3). */
  readonly tau: number;
}

export interface DecayingOptions extends AdaptiveOptions {
  /** β2, share of the past in the second moment; in [0, 1). */
  readonly beta2: number;
}

/** FedAdagrad: v ← v + Δ². Reddi et al. 2021, algorithm 2. */
export function serverAdagrad(options: AdaptiveOptions): ServerOptimiser {
  return adaptive('adagrad', options, (v, squaredDelta) => v + squaredDelta);
}

/** FedAdam: v ← β2·v + (1 - β2)·Δ². Reddi et al. 2021, algorithm 2. */
export function serverAdam(options: DecayingOptions): ServerOptimiser {
  const { beta2 } = options;
  return adaptive('adam', options, (v, squaredDelta) => beta2 * v + (1 - beta2) * squaredDelta);
}

/** FedYogi: v ← v - (1 - β2)·Δ²·sign(v - Δ²). Reddi et al. 2021, algorithm 2. */
export function serverYogi(options: DecayingOptions): ServerOptimiser {
  const { beta2 } = options;
  return adaptive('yogi', options, (v, squaredDelta) => v - (1 - beta2) * squaredDelta * Math.sign(v - squaredDelta));
}

/** m ← β1·m + (1 - β1)·Δ; x ← x + η·m / (√v + τ), with v_(-1) = τ². No bias correction, as in the paper. */
function adaptive(
  name: string,
  { learningRate, beta1, tau }: AdaptiveOptions,
  secondMoment: SecondMoment,
): ServerOptimiser {
  return {
    name,
    stateVectors: [
      { name: 'first-moment', initial: 0 },
      { name: 'second-moment', initial: tau ** 2 },
    ],
    step: (window) => {
      const { weights, nextWeights } = window;
      const delta = deltaOf(window, 0);
      const [m, nextM] = stateOf(window, 0);
      const [v, nextV] = stateOf(window, 1);
      for (let i = 0; i < weights.length; i++) {
        const d = delta[i] ?? 0;
        const first = beta1 * (m[i] ?? 0) + (1 - beta1) * d;
        const second = secondMoment(v[i] ?? 0, d * d);
        nextM[i] = first;
        nextV[i] = second;
        nextWeights[i] = (weights[i] ?? 0) + (learningRate * first) / (Math.sqrt(second) + tau);
      }
    },
  };
}
