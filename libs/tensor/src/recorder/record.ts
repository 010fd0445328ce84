import * as tf from '@tensorflow/tfjs-core';
import type { Graph, GraphOutput } from '../graph/graph.js';
import { GraphBuilder, type GraphTarget } from '../graph/graph-builder.js';
import { optimise } from '../passes/optimise.js';
import type { DType, Signature, StepFunction, Tensors, TensorSpec } from '../program.js';
import { cast } from './elementwise.js';
import { withRecorder } from './guards.js';
import { recorderBackend, type RecorderBackend } from './recorder-backend.js';
import { RecordingError } from './recording-error.js';
import { denseInOrder, plain } from './symbolic.js';

/** A tensor that goes into or comes out of a recorded graph, under the name it has there. */
export interface Port {
  readonly name: string;
  readonly graphName: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

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
  const inputs = ports('in', signature.inputs);
  const state = ports('state', signature.state ?? {});
  const trace = () => {
    const stateTensors = makeTensors(backend, g, state);
    const result = fn(makeTensors(backend, g, inputs), stateTensors);
    const nextState = result.state ?? {};
    checkState(state, nextState);
    const changed = Object.entries(nextState).filter(([name, tensor]) => tensor !== stateTensors[name]);
    return {
      outputs: collect(backend, g, result.outputs),
      nextState: collect(backend, g, Object.fromEntries(changed)),
    };
  };
  const { outputs, nextState } = withRecorder(backend, () => backend.during(g, () => inScope(trace)));
  const named = [...graphOutputs('out', outputs), ...graphOutputs('next', nextState)];
  return {
    graph: optimise(g.build(named)),
    inputs,
    outputs: ports('out', outputs),
    state,
    nextState: ports('next', nextState),
  };
}

function ports(prefix: string, specs: Readonly<Record<string, TensorSpec>>): Port[] {
  return Object.entries(specs).map(([name, { shape, dtype = 'float32' }]) => ({
    name,
    graphName: `${prefix}.${name}`,
    shape,
    dtype,
  }));
}

/** Releases every tensor that `trace` makes; what it returns holds none. */
function inScope<T>(trace: () => T): T {
  const engine = tf.engine();
  engine.startScope('recording');
  try {
    return trace();
  } finally {
    engine.endScope();
  }
}

function makeTensors(backend: RecorderBackend, g: GraphBuilder, list: readonly Port[]): Tensors {
  const tensors: Tensors = {};
  for (const { name, graphName, shape, dtype } of list) {
    const info = backend.tensorInfo(plain(g.input(graphName, shape, dtype)));
    tensors[name] = tf.engine().makeTensorFromTensorInfo(info);
  }
  return tensors;
}

type Collected = Readonly<Record<string, TensorSpec & { value: GraphOutput['value'] }>>;

function collect(backend: RecorderBackend, g: GraphBuilder, tensors: Tensors): Collected {
  const collected: Record<string, TensorSpec & { value: GraphOutput['value'] }> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!backend.owns(tensor.dataId)) {
      throw new RecordingError(`the output ${name} was made before the recording; it would be frozen into the graph`);
    }
    const symbol = backend.symbolOf(tensor);
    const dtype = symbol.type === 'float32' ? 'float32' : 'int32';
    collected[name] = { shape: symbol.shape, dtype, value: denseInOrder(g, cast(g, symbol, dtype)) };
  }
  return collected;
}

function graphOutputs(prefix: string, collected: Collected): GraphOutput[] {
  return Object.entries(collected).map(([name, { value }]) => ({ name: `${prefix}.${name}`, value }));
}

function checkState(state: readonly Port[], next: Tensors): void {
  for (const [name, tensor] of Object.entries(next)) {
    const port = state.find((candidate) => candidate.name === name);
    if (!port)
      throw new RecordingError(`the step function returned state ${name}, which its signature does not declare`);
    if (tensor.shape.join() !== port.shape.join() || tensor.dtype !== port.dtype) {
      throw new RecordingError(
        `state ${name} is ${port.dtype} [${port.shape.join(', ')}] but was returned as ${tensor.dtype} [${tensor.shape.join(', ')}]`,
      );
    }
  }
}
