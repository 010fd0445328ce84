import * as tf from '@tensorflow/tfjs-core';

/** Settings of AdamW that stay the same over a run. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay, >= 0. */
  readonly weightDecay: number;
  /** Gradients longer than this are scaled down to it; no clipping when left out. */
  readonly clipNorm?: number;
}

/** What changes from step to step; computed in double precision and passed as one input of `ADAMW_SCALARS` numbers. */
export interface AdamWSchedule {
  /** 1 for the first step. */
  readonly step: number;
  readonly learningRate: number;
  /** Share of the old average that is kept, in [0, 1]. */
  readonly emaDecay: number;
}

/** Length of the vector that `adamWScalars` gives. */
export const ADAMW_SCALARS = 4;

/** The step-dependent numbers of one step: learning rate, 1 - beta1^t, 1 - beta2^t, EMA decay. */
export function adamWScalars({ step, learningRate, emaDecay }: AdamWSchedule, settings: AdamWSettings): Float32Array {
  if (!Number.isInteger(step) || step < 1) throw new RangeError(`step counts from 1, got ${step}`);
  return Float32Array.of(learningRate, 1 - settings.beta1 ** step, 1 - settings.beta2 ** step, emaDecay);
}

/** Flat vectors that a step reads and replaces. */
export interface AdamWState {
  readonly weights: tf.Tensor1D;
  readonly m: tf.Tensor1D;
  readonly v: tf.Tensor1D;
  readonly ema: tf.Tensor1D;
  /** Largest v so far; where it is given, it stands in v's place (AMSGrad, Reddi et al. 2018, algorithm 2). */
  readonly vMax?: tf.Tensor1D;
}

export interface AdamWUpdate {
  readonly gradient: tf.Tensor1D;
  /** `adamWScalars` as a tensor [ADAMW_SCALARS]. */
  readonly scalars: tf.Tensor1D;
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019, algorithm 2) with clipping by global norm and an average of the weights.
 *
 *   g  = gradient · min(1, clipNorm / (‖gradient‖ + 1e-6))
 *   m' = β1 m + (1 - β1) g
 *   v' = β2 v + (1 - β2) g²
 *   w' = w - lr (m' / (1 - β1^t) / (sqrt(v' / (1 - β2^t)) + ε) + weightDecay w)
 *   e' = emaDecay e + (1 - emaDecay) w'
 *
 * @returns The new state, and the gradient's norm before clipping.
 */
export function adamWStep(
  { weights, m, v, ema, vMax }: AdamWState,
  { gradient, scalars }: AdamWUpdate,
  settings: AdamWSettings,
): { state: AdamWState; gradientNorm: tf.Scalar } {
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = settings;
  const [learningRate, correction1, correction2, emaDecay] = tf.unstack(scalars);
  if (!learningRate || !correction1 || !correction2 || !emaDecay)
    throw new RangeError(`scalars must be [${ADAMW_SCALARS}]`);
  const gradientNorm = tf.sqrt(tf.sum(tf.square(gradient)));
  const g = clipNorm === undefined ? gradient : tf.mul(gradient, clipFactor(gradientNorm, clipNorm));
  const nextM = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
  const nextV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
  const nextVMax = vMax && tf.maximum<tf.Tensor1D>(vMax, nextV);
  const denominator = tf.add(tf.mul(tf.sqrt(nextVMax ?? nextV), tf.rsqrt(correction2)), epsilon);
  const direction = tf.div(tf.mul(nextM, tf.div(learningRate, correction1)), denominator);
  const decayed = weightDecay === 0 ? weights : tf.mul(weights, tf.sub(1, tf.mul(learningRate, weightDecay)));
  const nextWeights = tf.sub(decayed, direction);
  const nextEma = tf.add(ema, tf.mul(tf.sub(nextWeights, ema), tf.sub(1, emaDecay)));
  return {
    state: {
      weights: nextWeights,
      m: nextM,
      v: nextV,
      ema: nextEma,
      ...(nextVMax && { vMax: nextVMax }),
    } as AdamWState,
    gradientNorm: gradientNorm as tf.Scalar,
  };
}

function clipFactor(norm: tf.Tensor, clipNorm: number): tf.Tensor {
  return tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6)));
}
