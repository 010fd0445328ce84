import * as tf from '@tensorflow/tfjs-core';
import type { Arrays, Program, Signature, StepFunction, Tensors, TensorSpec } from '@tributary/tensor';
import { checkInputs } from './check-inputs.js';

/** A step function run operation by operation on one of tfjs's backends. */
export class EagerProgram implements Program {
  readonly #state: Record<string, Float32Array> = {};

  constructor(
    readonly fn: StepFunction,
    readonly signature: Signature,
    readonly backendName: string,
  ) {
    for (const [name, { shape }] of Object.entries(signature.state ?? {})) {
      this.#state[name] = new Float32Array(tf.util.sizeFromShape([...shape]));
    }
  }

  async run(inputs: Arrays): Promise<Arrays> {
    const { signature } = this;
    checkInputs(
      Object.entries(signature.inputs).map(([name, spec]) => ({ name, ...spec })),
      inputs,
    );
    await tf.setBackend(this.backendName);
    const results: Arrays = {};
    tf.engine().startScope('step');
    try {
      const result = this.fn(toTensors(signature.inputs, inputs), toTensors(signature.state ?? {}, this.#state));
      for (const [name, tensor] of Object.entries(result.outputs)) results[name] = valuesOf(tensor);
      for (const [name, tensor] of Object.entries(result.state ?? {}))
        this.writeState(name, Float32Array.from(valuesOf(tensor)));
    } finally {
      tf.engine().endScope();
    }
    return results;
  }

  #stateArray(name: string): Float32Array {
    const array = this.#state[name];
    if (!array) throw new RangeError(`the program has no state named ${name}`);
    return array;
  }

  async readState(name: string): Promise<Float32Array> {
    return Promise.resolve(this.#stateArray(name).slice());
  }

  writeState(name: string, values: Float32Array): void {
    const array = this.#stateArray(name);
    if (values.length !== array.length)
      throw new RangeError(`state ${name} has ${array.length} numbers, got ${values.length}`);
    array.set(values);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

function toTensors(specs: Readonly<Record<string, TensorSpec>>, arrays: Arrays): Tensors {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => {
      const values = arrays[name];
      if (!values) throw new RangeError(`no values for ${name}`);
      return [name, tf.tensor(values.slice(), [...shape], dtype ?? 'float32')];
    }),
  );
}

function valuesOf(tensor: tf.Tensor): Float32Array | Int32Array {
  const values = tensor.dataSync();
  return values instanceof Float32Array ? values : Int32Array.from(values);
}
