import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '@tributary/onnx-graph';
import type { Symbolic } from './symbolic/symbolic.js';

/** Inputs and attributes of one kernel call, as tfjs hands them over. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, Symbolic>>;
  readonly attributes: object;
}

export type KernelResult = Symbolic | readonly Symbolic[];

/** How one tfjs kernel is written into the graph. */
export interface RecordedKernel {
  readonly name: string;
  /** For the layers' own kernels; tfjs knows the gradients of its own. */
  readonly gradient?: Omit<tf.GradConfig, 'kernelName'>;
  record(g: GraphBuilder, call: KernelCall): KernelResult;
}

/** A kernel with named inputs. `record` declares its attributes as tfjs does for that kernel name; tfjs guarantees them. */
export function kernel<Name extends string>(
  name: string,
  inputNames: readonly Name[],
  record: (g: GraphBuilder, inputs: Record<Name, Symbolic>, attributes: never) => KernelResult,
): RecordedKernel {
  return {
    name,
    record: (g, { inputs, attributes }) => {
      const missing = inputNames.find((input) => inputs[input] === undefined);
      if (missing !== undefined) throw new RangeError(`${name}: input ${missing} is missing`);
      return record(g, inputs as Record<Name, Symbolic>, attributes as never);
    },
  };
}

/** A kernel whose inputs are a list (concat, stack, addN). */
export function listKernel(
  name: string,
  record: (g: GraphBuilder, inputs: readonly Symbolic[], attributes: never) => KernelResult,
): RecordedKernel {
  return { name, record: (g, { inputs, attributes }) => record(g, Object.values(inputs), attributes as never) };
}
