import * as tf from '@tensorflow/tfjs-core';
import type { DType, Signature, StepFunction, Tensors, TensorSpec } from '../program.js';
import { type Recorder, withRecorder } from './guards.js';
import { RecordingError } from './recording-error.js';

/** A tensor that goes into or comes out of a recorded graph, under the name it has there. */
export interface Port {
  readonly name: string;
  readonly graphName: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What the step function gave: tensors of the recorder, alive until the trace ends. */
export interface Traced {
  readonly outputs: Tensors;
  /** State that the step changes; what is missing here keeps its values. */
  readonly nextState: Tensors;
}

/** How one recorder traces one step. */
export interface Trace<T> {
  readonly fn: StepFunction;
  readonly inputs: readonly Port[];
  readonly state: readonly Port[];
  /** Makes the recorder's tensor for an input or a state. */
  readonly makeTensor: (port: Port) => tf.Tensor;
  /** Takes what is needed of the results, whose tensors are released afterwards. */
  readonly collect: (traced: Traced) => T;
}

/** Names `PREFIX.NAME` in the graph, so that an input and a state may have one name. */
export function ports(prefix: string, specs: Readonly<Record<string, TensorSpec>>): Port[] {
  return Object.entries(specs).map(([name, { shape, dtype = 'float32' }]) => ({
    name,
    graphName: `${prefix}.${name}`,
    shape,
    dtype,
  }));
}

/** The inputs and the state of a signature, as a graph reads them. */
export function signaturePorts({ inputs, state = {} }: Signature): { inputs: Port[]; state: Port[] } {
  return { inputs: ports('in', inputs), state: ports('state', state) };
}

/**
 * Runs a step function once under a recorder, guarded against what would silently be frozen into its graph.
 * @throws RecordingError when a result does not belong to the recording or departs from the declared state.
 */
export function traceStep<T>(recorder: Recorder, trace: Trace<T>): T {
  const { fn, inputs, state, makeTensor, collect } = trace;
  const make = (list: readonly Port[]): Tensors =>
    Object.fromEntries(list.map((port) => [port.name, makeTensor(port)] as const));
  return withRecorder(recorder, () =>
    inScope(() => {
      const stateTensors = make(state);
      const result = fn(make(inputs), stateTensors);
      checkSynchronous(result);
      const { outputs, state: next = {} } = result;
      checkState(state, next);
      checkOwned(recorder, { ...outputs, ...next });
      const changed = Object.entries(next).filter(([name, tensor]) => tensor !== stateTensors[name]);
      return collect({ outputs, nextState: Object.fromEntries(changed) });
    }),
  );
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

function checkSynchronous(result: object): void {
  if (result instanceof Promise)
    throw new RecordingError('the step function is asynchronous; what it does after its first await is not recorded');
}

function checkOwned(recorder: Recorder, tensors: Tensors): void {
  for (const [name, { dataId }] of Object.entries(tensors)) {
    if (!recorder.owns(dataId)) {
      throw new RecordingError(`the output ${name} was made before the recording; it would be frozen into the graph`);
    }
  }
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
