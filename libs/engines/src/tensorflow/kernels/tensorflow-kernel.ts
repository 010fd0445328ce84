import type * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend, OpAttribute } from '../binding.js';

/** What a kernel is given: tensors by name, attributes as tfjs declares them for its name, and tfjs-node's backend. */
export interface TensorflowCall<Input extends string, Attributes> {
  readonly inputs: Readonly<Record<Input, tf.Tensor>>;
  readonly attributes: Attributes;
  readonly backend: NodeBackend;
}

/** A kernel of our own on TensorFlow, where tfjs-node has none or a wrong one. */
export interface TensorflowKernel {
  readonly name: string;
  readonly run: tf.KernelFunc;
}

/** tfjs guarantees what the name promises: the inputs and the attributes. */
export function tensorflowKernel<Input extends string, Attributes = object>(
  name: string,
  run: (call: TensorflowCall<Input, Attributes>) => tf.Tensor | tf.Tensor[],
): TensorflowKernel {
  return {
    name,
    run: ({ inputs, attrs, backend }) => {
      if (!isNodeBackend(backend)) throw new TypeError(`${name} runs on tfjs-node's backend only`);
      const named = inputs as TensorflowCall<Input, Attributes>['inputs'];
      return run({ inputs: named, attributes: (attrs ?? {}) as Attributes, backend });
    },
  };
}

function isNodeBackend(backend: object): backend is NodeBackend {
  return 'binding' in backend && 'executeSingleOutput' in backend;
}

/** The attribute that tells an operation's element type. */
export function typeAttribute({ binding }: NodeBackend, { dtype }: tf.Tensor, name = 'T'): OpAttribute {
  const value = dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT;
  return { name, type: binding.TF_ATTR_TYPE, value };
}
