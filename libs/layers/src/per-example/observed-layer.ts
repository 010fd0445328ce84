import type * as tf from '@tensorflow/tfjs-core';

/** The gradients of one parameter, one for each example, without having to lay them out. */
export interface ExampleGradients {
  /** ‖g_b‖² of the gradient g_b of every example, [batch]. */
  readonly squaredNorms: tf.Tensor;
  /** Σ_b weights_b g_b for weights [batch]; as many numbers as the parameter has, in its order. */
  weightedSum(weights: tf.Tensor1D): tf.Tensor;
}

/**
 * How a parameter of a layer gets the examples' gradients from the gradient `dy` of the layer's output.
 * Examples are contiguous along the first dimension of `dy`, which is `batch` or a multiple of it.
 */
export type ExampleRule = (dy: tf.Tensor, batch: number) => ExampleGradients;

/** One call of a layer that has parameters. */
export interface LayerCall<T extends tf.Tensor> {
  /** Names the layer in errors. */
  readonly layer: string;
  /** What is not a parameter. */
  readonly inputs: readonly tf.Tensor[];
  readonly parameters: readonly { readonly tensor: tf.Tensor; readonly rule: ExampleRule }[];
  readonly forward: () => T;
}

/** Sees every layer call and gives its output. */
export type LayerObserver = <T extends tf.Tensor>(call: LayerCall<T>) => T;

let observer: LayerObserver | undefined;

/** Runs a layer: plainly, or as the observer wants it. Every layer with parameters goes through here. */
export function runLayer<T extends tf.Tensor>(call: LayerCall<T>): T {
  return observer ? observer(call) : call.forward();
}

/** Runs `fn` with an observer; what layers run inside layers is not observed. */
export function observingLayers<R>(observe: LayerObserver, fn: () => R): R {
  const previous = observer;
  observer = (call) => {
    observer = undefined;
    try {
      return observe(call);
    } finally {
      observer = current;
    }
  };
  const current = observer;
  try {
    return fn();
  } finally {
    observer = previous;
  }
}
