import { randomStream, type ParameterSpec, type Tensors } from '@tributary/tensor';
import type * as tf from '@tensorflow/tfjs-core';

/** Distribution of a parameter's first values. */
export type Initial =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly stddev: number };

/** A parameter by its name in the PyTorch state dict, its PyTorch shape, and how it starts. */
export interface Parameter extends ParameterSpec {
  readonly initial: Initial;
}

/** What a forward pass reads besides its inputs. */
export interface ForwardContext {
  readonly parameters: Tensors;
  /** One mask a residual block, by the block's name: 0 or 1 / (1 - rate). Without them nothing is dropped. */
  readonly dropoutMasks?: Tensors;
  /** Sees the output of every named block; for comparing with other implementations. */
  readonly observe?: (name: string, value: tf.Tensor) => void;
}

/** The parameter `name` of this pass. */
export function parameterOf(context: ForwardContext, name: string): tf.Tensor {
  const value = context.parameters[name];
  if (!value) throw new RangeError(`the network has no parameter ${name}`);
  return value;
}

/** Number of values. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * First weights as one flat vector in the order of `parameters`. Each parameter has its own random stream, so that adding a
 * block changes no other block's start.
 *
 * @param seed An integer in [0, 2^32).
 */
export function initialWeights(parameters: readonly Parameter[], seed: number): Float32Array {
  const flat = new Float32Array(parameters.reduce((total, { shape }) => total + sizeOf(shape), 0));
  let offset = 0;
  for (const { name, shape, initial } of parameters) {
    const part = flat.subarray(offset, offset + sizeOf(shape));
    fillInitial(part, initial, () => randomStream(seed, 'initial-weights', name));
    offset += part.length;
  }
  return flat;
}

function fillInitial(part: Float32Array, initial: Initial, stream: () => ReturnType<typeof randomStream>): void {
  switch (initial.kind) {
    case 'constant':
      part.fill(initial.value);
      return;
    case 'uniform':
      stream().fillUniform(part);
      for (let i = 0; i < part.length; i++) part[i] = (2 * (part[i] ?? 0) - 1) * initial.bound;
      return;
    case 'normal':
      stream().fillNormal(part);
      for (let i = 0; i < part.length; i++) part[i] = (part[i] ?? 0) * initial.stddev;
      return;
  }
}
