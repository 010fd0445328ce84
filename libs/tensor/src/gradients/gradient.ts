import * as tf from '@tensorflow/tfjs-core';

/** What a gradient function is given: the upstream gradient of the (first) output, what was saved, the attributes. */
export interface BackwardCall<Attributes> {
  readonly dy: tf.Tensor;
  /** Upstream gradients of all outputs, for kernels with several. */
  readonly dys: readonly tf.Tensor[];
  /** Saved inputs, in the order that was asked for, then the output if it was asked for. */
  readonly saved: readonly tf.Tensor[];
  readonly attributes: Attributes;
}

export type InputGradients = Record<string, () => tf.Tensor>;

/** Which tensors the gradient needs. */
export interface Saving {
  readonly inputs?: readonly string[];
  readonly output?: boolean;
}

/** A kernel's gradient. `Attributes` is the attribute type that tfjs declares for the kernel's name. */
export function gradient<Attributes extends object>(
  kernelName: string,
  { inputs = [], output = false }: Saving,
  backward: (call: BackwardCall<Attributes>) => InputGradients,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: [...inputs],
    outputsToSave: output ? [true] : [],
    gradFunc: (upstream, saved, attributes) => {
      const dys = [upstream].flat();
      return backward({ dy: need(dys, 0), dys, saved, attributes: attributes as Attributes });
    },
  };
}

/** The gradient of a kernel whose inputs are a list. */
export function listGradient<Attributes extends object>(
  kernelName: string,
  backward: (call: BackwardCall<Attributes>) => readonly (() => tf.Tensor)[],
): tf.GradConfig {
  return {
    kernelName,
    saveAllInputs: true,
    gradFunc: (upstream, saved, attributes) => {
      const dys = [upstream].flat();
      const gradients = backward({ dy: need(dys, 0), dys, saved, attributes: attributes as Attributes });
      return Object.fromEntries(gradients.map((make, i) => [String(i), make]));
    },
  };
}

/** The saved tensor at `index`; saving is declared beside every use, so a missing one is a mistake in this folder. */
export function need(tensors: readonly (tf.Tensor | undefined)[], index: number): tf.Tensor {
  const tensor = tensors[index];
  if (!tensor) throw new RangeError(`gradient: no tensor was saved at ${index}`);
  return tensor;
}

/** dx = dy · slope, where the slope is a function of the one saved tensor. */
export function fromSlope(kernelName: string, saving: Saving, slope: (saved: tf.Tensor) => tf.Tensor): tf.GradConfig {
  return gradient(kernelName, saving, ({ dy, saved }) => ({ x: () => tf.mul(dy, slope(need(saved, 0))) }));
}

/** Functions that are constant wherever they have a derivative. */
export function zeroGradient(kernelName: string, inputs: readonly string[]): tf.GradConfig {
  return gradient(kernelName, { inputs }, ({ saved }) =>
    Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(need(saved, i).shape)])),
  );
}

/** Sums `dy` over the dimensions along which an operand of `shape` was repeated. */
export function unbroadcast(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}
