import * as ort from 'onnxruntime-node';
import { product } from '../graph/shapes.js';
import type { Arrays, Program } from '../program.js';
import type { Recording } from '../recorder/record.js';
import type { Port } from '../recorder/trace-step.js';
import { checkInputs } from './check-inputs.js';

type Feeds = Record<string, ort.Tensor>;

function allocate({ shape, dtype }: Port): ort.Tensor {
  const size = product(shape);
  return dtype === 'int32'
    ? new ort.Tensor('int32', new Int32Array(size), shape)
    : new ort.Tensor('float32', new Float32Array(size), shape);
}

function arrayOf(tensor: ort.Tensor): Float32Array | Int32Array {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  throw new TypeError(`a program's tensors are float32 or int32, not ${tensor.type}`);
}

/**
 * A recording run by ONNX Runtime. State lies in two sets of buffers that change places after every run, so that a run
 * allocates nothing; outputs are written into buffers that the next run writes again.
 */
export class OnnxProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #recording: Recording;
  readonly #outputs: Feeds;
  readonly #outputArrays: Arrays = {};
  #state: Feeds = {};
  #nextState: Feeds = {};
  #isRunning = false;

  constructor(session: ort.InferenceSession, recording: Recording) {
    this.#session = session;
    this.#recording = recording;
    this.#outputs = {};
    for (const port of recording.outputs) {
      const tensor = allocate(port);
      this.#outputs[port.graphName] = tensor;
      this.#outputArrays[port.name] = arrayOf(tensor);
    }
    for (const port of recording.state) this.#state[port.name] = allocate(port);
    for (const port of recording.nextState) this.#nextState[port.name] = allocate(port);
  }

  async run(inputs: Arrays): Promise<Arrays> {
    if (this.#isRunning) throw new RangeError('a program runs one step at a time; await the previous run');
    checkInputs(this.#recording.inputs, inputs);
    const feeds = this.#feeds(inputs);
    const fetches = { ...this.#outputs };
    for (const { name, graphName } of this.#recording.nextState) {
      const buffer = this.#nextState[name];
      if (buffer) fetches[graphName] = buffer;
    }
    this.#isRunning = true;
    try {
      await this.#session.run(feeds, fetches);
      this.#swapState();
    } finally {
      this.#isRunning = false;
    }
    return this.#outputArrays;
  }

  /** Inputs and state that the graph reads; what it does not read (a class label without classes) is dropped. */
  #feeds(inputs: Arrays): Feeds {
    const read = new Set(this.#session.inputNames);
    const feeds: Feeds = {};
    for (const { name, graphName, shape } of this.#recording.inputs) {
      const array = inputs[name];
      if (array && read.has(graphName)) {
        feeds[graphName] =
          array instanceof Int32Array ? new ort.Tensor('int32', array, shape) : new ort.Tensor('float32', array, shape);
      }
    }
    for (const { name, graphName } of this.#recording.state) {
      const buffer = this.#state[name];
      if (buffer && read.has(graphName)) feeds[graphName] = buffer;
    }
    return feeds;
  }

  #swapState(): void {
    const previous: Feeds = {};
    for (const { name } of this.#recording.nextState) {
      const buffer = this.#state[name];
      if (buffer) previous[name] = buffer;
    }
    this.#state = { ...this.#state, ...this.#nextState };
    this.#nextState = previous;
  }

  #stateArray(name: string): Float32Array {
    const tensor = this.#state[name];
    const array = tensor && arrayOf(tensor);
    if (array instanceof Float32Array) return array;
    throw new RangeError(`the program has no float32 state named ${name}`);
  }

  async readState(name: string): Promise<Float32Array> {
    return Promise.resolve(this.#stateArray(name).slice());
  }

  writeState(name: string, values: Float32Array): void {
    const array = this.#stateArray(name);
    if (values.length !== array.length) {
      throw new RangeError(`state ${name} has ${array.length} numbers, got ${values.length}`);
    }
    array.set(values);
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}
