import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '@tributary/onnx-graph';
import {
  type Arrays,
  type Port,
  type Program,
  type Signature,
  signaturePorts,
  type StepFunction,
  type Tensors,
  traceStep,
} from '@tributary/tensor';
import { checkInputs } from '../check-inputs.js';
import type { Tensorflow } from './load-tensorflow.js';

/** A recorded function: it takes the inputs, then the state, and gives the outputs, then the state that it changes. */
interface RecordedFunction {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly state: readonly Port[];
  readonly outputs: readonly string[];
  readonly nextState: readonly string[];
}

let programs = 0;

/**
 * Records a step function as one TensorFlow function.
 * @throws RecordingError when the function does what cannot be recorded, naming what and where.
 */
export function compileTensorflow(tensorflow: Tensorflow, fn: StepFunction, signature: Signature): Program {
  const { recorder, addon } = tensorflow;
  const { inputs, state } = signaturePorts(signature);
  const name = `tributary_step_${programs++}`;
  const places = new Map<string, number>();
  const placesOf = (list: readonly Port[]) => list.map(({ graphName }) => places.get(graphName) ?? -1);
  const results = recorder.during((graph) =>
    traceStep(recorder, {
      fn,
      inputs,
      state,
      makeTensor: (port) => {
        const tensor = recorder.placeholder(port);
        places.set(port.graphName, recorder.idOf(tensor));
        return tensor;
      },
      collect: ({ outputs, nextState }) => {
        const idsOf = (tensors: Tensors) => Object.values(tensors).map((tensor) => recorder.idOf(numeric(tensor)));
        const made = [...idsOf(outputs), ...idsOf(nextState)];
        addon.defineFunction(graph, name, placesOf([...inputs, ...state]), made);
        return { outputs: Object.keys(outputs), nextState: Object.keys(nextState) };
      },
    }),
  );
  return new TensorflowProgram(tensorflow, { name, inputs, state, ...results });
}

/** Boolean outputs are given as int32 zeros and ones. */
function numeric(tensor: tf.Tensor): tf.Tensor {
  return tensor.dtype === 'bool' ? tf.cast(tensor, 'int32') : tensor;
}

/** A recorded function run by TensorFlow. State stays where TensorFlow computes: on a GPU, in its memory. */
class TensorflowProgram implements Program {
  readonly #tensorflow: Tensorflow;
  readonly #recorded: RecordedFunction;
  readonly #state = new Map<string, number>();

  constructor(tensorflow: Tensorflow, recorded: RecordedFunction) {
    this.#tensorflow = tensorflow;
    this.#recorded = recorded;
    for (const port of recorded.state) this.#store(port, new Float32Array(product(port.shape)));
  }

  async run(inputs: Arrays): Promise<Arrays> {
    const { binding } = this.#tensorflow;
    const { name, outputs, nextState } = this.#recorded;
    checkInputs(this.#recorded.inputs, inputs);
    const given = this.#recorded.inputs.map((port) => this.#create(port, at([inputs[port.name]], 0)));
    try {
      const operands = [...given, ...this.#recorded.state.map((port) => this.#stateId(port.name))];
      const made = binding.executeOp(name, [], operands, outputs.length + nextState.length).map(({ id }) => id);
      nextState.forEach((changed, i) => this.#replace(changed, at(made, outputs.length + i)));
      return await Promise.resolve(Object.fromEntries(outputs.map((output, i) => [output, this.#take(at(made, i))])));
    } finally {
      for (const id of given) binding.deleteTensor(id);
    }
  }

  async readState(name: string): Promise<Float32Array> {
    const values = this.#tensorflow.binding.tensorDataSync(this.#stateId(name));
    if (!(values instanceof Float32Array)) throw new TypeError(`state ${name} is not float32`);
    return Promise.resolve(values);
  }

  writeState(name: string, values: Float32Array): void {
    const port = this.#recorded.state.find((candidate) => candidate.name === name);
    if (!port) throw unknownState(name);
    const size = product(port.shape);
    if (values.length !== size) throw new RangeError(`state ${name} has ${size} numbers, got ${values.length}`);
    // TensorFlow reads the array where it lies, so it must be one that nobody else writes.
    this.#store(port, values.slice());
  }

  dispose(): Promise<void> {
    const { addon, binding } = this.#tensorflow;
    for (const id of this.#state.values()) binding.deleteTensor(id);
    this.#state.clear();
    addon.removeFunction(this.#recorded.name);
    return Promise.resolve();
  }

  #create({ shape, dtype }: Port, values: Float32Array | Int32Array): number {
    const { binding } = this.#tensorflow;
    return binding.createTensor(shape, dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT, values);
  }

  #store(port: Port, values: Float32Array): void {
    this.#replace(port.name, this.#create(port, values));
  }

  #replace(name: string, id: number): void {
    const previous = this.#state.get(name);
    this.#state.set(name, id);
    if (previous !== undefined) this.#tensorflow.binding.deleteTensor(previous);
  }

  #stateId(name: string): number {
    const id = this.#state.get(name);
    if (id === undefined) throw unknownState(name);
    return id;
  }

  /** The values of a tensor that is then released. */
  #take(id: number): Float32Array | Int32Array {
    const { binding } = this.#tensorflow;
    const values = binding.tensorDataSync(id);
    binding.deleteTensor(id);
    return values instanceof Uint8Array ? Int32Array.from(values) : values;
  }
}

function unknownState(name: string): RangeError {
  return new RangeError(`the program has no state named ${name}`);
}
