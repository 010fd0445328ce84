import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { at } from '@tributary/onnx-graph';
import type { Engine, StepFunction, Tensors } from '@tributary/tensor';
import { compareEngines } from './compare-engines.js';
import { useMendedCpu } from './mended-cpu.js';
import { openEngine } from './open-engine.js';

/** The engines' packages are large. */
const LOADING_MS = 60_000;
const SIGNATURE = { inputs: { x: { shape: [3] } }, state: { weights: { shape: [3] } } };
const INPUTS = [1, 2, 3].map((i) => ({ x: Float32Array.of(i, -i, 0.5 * i) }));
const named = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);

const step: StepFunction = (inputs, state) => {
  const y = tf.mul(named(inputs, 'x'), named(state, 'weights'));
  return { outputs: { y: tf.tanh(y) }, state: { weights: tf.sub(named(state, 'weights'), tf.mul(y, 0.1)) } };
};

/** The engine with one thing wrong: what `change` does to the state after the second step. */
function faulty(engine: Engine, change: (weights: Float32Array) => Float32Array): Engine {
  return {
    ...engine,
    compile: async (fn, signature) => {
      const program = await engine.compile(fn, signature);
      let runs = 0;
      return {
        run: (inputs) => {
          runs++;
          return program.run(inputs);
        },
        readState: async (name) => {
          const values = await program.readState(name);
          return runs === 2 ? change(values) : values;
        },
        writeState: (name, values) => program.writeState(name, values),
        dispose: () => program.dispose(),
      };
    },
  };
}

describe('comparing engines', () => {
  let onnx: Engine;
  let reference: Engine;

  beforeAll(async () => {
    await useMendedCpu();
    onnx = await openEngine({ name: 'onnx', threads: 1 });
    reference = await openEngine({ name: 'reference' });
  }, LOADING_MS);

  it('finds nothing where they agree', async () => {
    expect(await compareEngines([onnx, reference], { fn: step, signature: SIGNATURE, inputs: INPUTS })).toBeUndefined();
  });

  it('names the step, the tensor and the element where they part', async () => {
    const wrong = faulty(onnx, (weights) => weights.map((value, i) => (i === 1 ? value + 0.5 : value)));
    const state = { weights: Float32Array.of(1, 1, 1) };
    const found = await compareEngines([wrong, reference], { fn: step, signature: SIGNATURE, inputs: INPUTS, state });
    expect(found).toMatchObject({ step: 1, kind: 'state', name: 'weights', index: 1 });
    expect((found?.values[0] ?? 0) - (found?.values[1] ?? 0)).toBeCloseTo(0.5, 5);
  });

  it('takes numbers that are none for a difference', async () => {
    const wrong = faulty(onnx, (weights) => weights.fill(Number.NaN));
    expect(await compareEngines([wrong, reference], { fn: step, signature: SIGNATURE, inputs: INPUTS })).toMatchObject({
      step: 1,
      kind: 'state',
    });
  });
});
