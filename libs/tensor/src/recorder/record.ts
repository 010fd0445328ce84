import * as tf from '@tensorflow/tfjs-core';
import { type Graph, GraphBuilder, type GraphOutput, type GraphTarget, optimise } from '@tributary/onnx-graph';
import type { Signature, StepFunction, Tensors, TensorSpec } from '../program.js';
import { cast, denseInOrder, plain } from '@tributary/kernels';
import { recorderBackend, type RecorderBackend } from './recorder-backend.js';
import { type Port, ports, signaturePorts, traceStep } from './trace-step.js';

/** A step function as a graph, and how its inputs, outputs and state are named there. */
export interface Recording {
  readonly graph: Graph;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** State as the graph reads it. */
  readonly state: readonly Port[];
  /** State as the graph writes it; what is missing here keeps its values. */
  readonly nextState: readonly Port[];
}

/**
 * Records a step function once: every tfjs kernel it runs, gradients included, becomes nodes of one graph.
 *
 * @throws RecordingError when the function reads a value, draws random numbers, uses a tensor from outside, or runs a
 *   kernel that cannot be recorded; the message names the line.
 */
export function record(fn: StepFunction, signature: Signature, target?: GraphTarget): Recording {
  const backend = recorderBackend();
  const g = new GraphBuilder(target);
  const { inputs, state } = signaturePorts(signature);
  const { outputs, nextState } = backend.during(g, () =>
    traceStep(backend, {
      fn,
      inputs,
      state,
      makeTensor: ({ graphName, shape, dtype }) =>
        tf.engine().makeTensorFromTensorInfo(backend.tensorInfo(plain(g.input(graphName, shape, dtype)))),
      collect: (traced) => ({
        outputs: collect(backend, g, traced.outputs),
        nextState: collect(backend, g, traced.nextState),
      }),
    }),
  );
  const named = [...graphOutputs('out', outputs), ...graphOutputs('next', nextState)];
  return {
    graph: optimise(g.build(named), g.target),
    inputs,
    outputs: ports('out', outputs),
    state,
    nextState: ports('next', nextState),
  };
}

type Collected = Readonly<Record<string, TensorSpec & { value: GraphOutput['value'] }>>;

function collect(backend: RecorderBackend, g: GraphBuilder, tensors: Tensors): Collected {
  const collected: Record<string, TensorSpec & { value: GraphOutput['value'] }> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const symbol = backend.symbolOf(tensor);
    const dtype = symbol.type === 'float32' ? 'float32' : 'int32';
    collected[name] = { shape: symbol.shape, dtype, value: denseInOrder(g, cast(g, symbol, dtype)) };
  }
  return collected;
}

function graphOutputs(prefix: string, collected: Collected): GraphOutput[] {
  return Object.entries(collected).map(([name, { value }]) => ({ name: `${prefix}.${name}`, value }));
}
