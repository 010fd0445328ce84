import type { Recipe } from '@tributary/protocol/recipe';
import type { Signature, Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf } from '../network/tensor-of.js';

type Strategy = Recipe['strategy'];

/** Flat vectors of the training step that a strategy keeps at a site, besides the optimiser's. */
export type StrategyVector =
  /** FedProx: w_global, the weights that the round began with. */
  | 'anchor'
  /** SCAFFOLD: c - c_i, fixed in a round. */
  | 'correction'
  /** Sum of the round's gradients before correction and clipping. SCAFFOLD: their mean is the next c_i; FedSGD: what is sent. */
  | 'gradientSum';

const VECTORS: Readonly<Partial<Record<Strategy['kind'], readonly StrategyVector[]>>> = {
  fedprox: ['anchor'],
  fedsgd: ['gradientSum'],
  scaffold: ['correction', 'gradientSum'],
};

/** The vectors that a strategy's part of a local step reads or writes; none for most. */
export function strategyVectors({ kind }: Strategy): readonly StrategyVector[] {
  return VECTORS[kind] ?? [];
}

/** Inputs and state of the recorded step that the strategy adds. */
export function strategySignature(strategy: Strategy, parameterCount: number): Signature {
  const flat = { shape: [parameterCount] };
  return {
    inputs: strategy.kind === 'fedprox' ? { mu: { shape: [1] } } : {},
    state: Object.fromEntries(strategyVectors(strategy).map((name) => [name, flat])),
  };
}

/** What `strategySignature` declares as inputs. */
export function strategyInputs(strategy: Strategy): Record<string, Float32Array> {
  return strategy.kind === 'fedprox' ? { mu: Float32Array.of(strategy.mu) } : {};
}

export interface LocalGradient {
  readonly gradient: tf.Tensor1D;
  readonly inputs: Tensors;
  /** With `weights` and the strategy's vectors. */
  readonly state: Tensors;
}

/**
 * The gradient that a site follows, and the strategy's state after it.
 * - FedProx: g + mu (w - w_global), Li et al. 2020, eq. 2.
 * - SCAFFOLD: g + c - c_i, Karimireddy et al. 2020, algorithm 1, line 10.
 * - Others: g. With FedSGD it is also what the site sends; following it moves only parameters that never leave the site.
 */
export function strategyGradient(
  { kind }: Strategy,
  { gradient, inputs, state }: LocalGradient,
): { readonly gradient: tf.Tensor1D; readonly state: Tensors } {
  const vector = (name: string): tf.Tensor1D => tensorOf(state, name, tf.Rank.R1);
  switch (kind) {
    case 'fedprox': {
      const drift = tf.sub(vector('weights'), vector('anchor'));
      return { gradient: tf.add(gradient, tf.mul(tensorOf(inputs, 'mu', tf.Rank.R1), drift)), state: {} };
    }
    case 'scaffold':
      return {
        gradient: tf.add(gradient, vector('correction')),
        state: { gradientSum: tf.add(vector('gradientSum'), gradient) },
      };
    case 'fedsgd':
      return { gradient, state: { gradientSum: tf.add(vector('gradientSum'), gradient) } };
    default:
      return { gradient, state: {} };
  }
}
