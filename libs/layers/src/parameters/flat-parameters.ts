import * as tf from '@tensorflow/tfjs-core';
import { registerGradients, type Tensors } from '@tributary/tensor';
import { product } from '@tributary/onnx-graph';

/** Name and shape (PyTorch's layout) of one parameter; a list of them, in order, says what a flat vector holds. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** How many numbers the flat vector of a manifest has. */
export function parameterCount(manifest: readonly ParameterSpec[]): number {
  return manifest.reduce((sum, { shape }) => sum + product(shape), 0);
}

/**
 * The parameters by name, cut out of the flat vector in manifest order.
 * @throws RangeError when the vector has not the manifest's length.
 */
export function unflatten(flat: tf.Tensor1D, manifest: readonly ParameterSpec[]): Tensors {
  if (flat.size !== parameterCount(manifest)) {
    throw new RangeError(`the manifest has ${parameterCount(manifest)} parameters, the vector ${flat.size}`);
  }
  const pieces = tf.split(
    flat,
    manifest.map(({ shape }) => product(shape)),
  );
  const parameters: Tensors = {};
  manifest.forEach(({ name, shape }, i) => {
    const piece = pieces[i];
    if (piece) parameters[name] = tf.reshape(piece, [...shape]);
  });
  return parameters;
}

/** A scalar loss and its gradient with respect to the whole flat vector. */
export interface ValueAndGradient {
  readonly value: tf.Scalar;
  readonly gradient: tf.Tensor1D;
}

/** Evaluates `loss` on the parameters of `flat`, and its gradient in the same flat order. */
export function valueAndGradient(
  loss: (parameters: Tensors) => tf.Scalar,
  flat: tf.Tensor1D,
  manifest: readonly ParameterSpec[],
): ValueAndGradient {
  registerGradients();
  const ofFlat = tf.valueAndGrad((vector: tf.Tensor) => loss(unflatten(tf.reshape(vector, [-1]), manifest)));
  const { value, grad } = ofFlat(flat);
  return { value: tf.reshape(value, []), gradient: tf.reshape(grad, [-1]) };
}
