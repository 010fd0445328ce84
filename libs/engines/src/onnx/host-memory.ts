import * as ort from './onnx-runtime.js';
import { product } from '@tributary/onnx-graph';
import type { Port, Recording } from '@tributary/tensor';

/** Tensors by the name that the graph gives them; null lets the session make the tensor. */
export type Feeds = Record<string, ort.Tensor>;
export type Fetches = Record<string, ort.Tensor | null>;

/** Where a program's state lies from run to run, and where a run's results go. */
export interface ProgramMemory {
  /** The state that a run reads. */
  feeds(): Promise<Feeds>;
  /** Where a run puts its outputs and the next state. */
  fetches(): Fetches;
  /** Takes over the next state from a run's results. */
  accept(results: Readonly<Record<string, ort.Tensor>>): void;
  /** A copy. Rejects with RangeError for an unknown name. */
  read(name: string): Promise<Float32Array>;
  /** @throws RangeError for an unknown name or a wrong length. */
  write(name: string, values: Float32Array): void;
  dispose(): Promise<void>;
}

/** A tensor of zeros in the processor's memory. */
function allocate({ shape, dtype }: Port): ort.Tensor {
  const size = product(shape);
  return dtype === 'int32'
    ? new ort.Tensor('int32', new Int32Array(size), shape)
    : new ort.Tensor('float32', new Float32Array(size), shape);
}

/** @throws RangeError unless `values` has as many numbers as the state. */
export function checkLength({ name, shape }: Port, values: Float32Array): void {
  const size = product(shape);
  if (values.length !== size) throw new RangeError(`state ${name} has ${size} numbers, got ${values.length}`);
}

/**
 * The processor's memory. A run's results are the next state as they come: onnxruntime-node copies every result into an array of
 * its own, also where it is handed one to write into, so that a second set of buffers would only be one copy more.
 */
export class HostMemory implements ProgramMemory {
  readonly #state = new Map<string, ort.Tensor>();
  readonly #fetches: Fetches;

  constructor(private readonly recording: Recording) {
    for (const port of recording.state) this.#state.set(port.name, allocate(port));
    const results = [...recording.outputs, ...recording.nextState];
    this.#fetches = Object.fromEntries(results.map(({ graphName }) => [graphName, null]));
  }

  feeds(): Promise<Feeds> {
    const feeds: Feeds = {};
    for (const { name, graphName } of this.recording.state) {
      const tensor = this.#state.get(name);
      if (tensor) feeds[graphName] = tensor;
    }
    return Promise.resolve(feeds);
  }

  fetches(): Fetches {
    return this.#fetches;
  }

  accept(results: Readonly<Record<string, ort.Tensor>>): void {
    for (const { name, graphName } of this.recording.nextState) {
      const tensor = results[graphName];
      if (tensor) this.#state.set(name, tensor);
    }
  }

  async read(name: string): Promise<Float32Array> {
    return Promise.resolve(this.#array(name).slice());
  }

  write(name: string, values: Float32Array): void {
    const array = this.#array(name);
    for (const port of this.recording.state) if (port.name === name) checkLength(port, values);
    array.set(values);
  }

  #array(name: string): Float32Array {
    const data = this.#state.get(name)?.data;
    if (data instanceof Float32Array) return data;
    throw new RangeError(`the program has no float32 state named ${name}`);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
