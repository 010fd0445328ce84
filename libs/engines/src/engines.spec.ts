import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { at } from '@tributary/onnx-graph';
import type { Program, StepFunction, Tensors } from '@tributary/tensor';
import { openEngine } from './open-engine.js';

const SIGNATURE = {
  inputs: { x: { shape: [3] }, unread: { shape: [1], dtype: 'int32' as const } },
  state: { sum: { shape: [3] }, kept: { shape: [2] } },
};

const named = (tensors: Tensors, name: string): tf.Tensor => at([tensors[name]], 0);

const accumulate: StepFunction = (inputs, state) => {
  const sum = tf.add(named(state, 'sum'), named(inputs, 'x'));
  return { outputs: { total: tf.sum(sum) }, state: { sum } };
};

const feed = (...x: number[]) => ({ x: Float32Array.from(x), unread: Int32Array.of(0) });

describe.each(['onnx', 'reference'] as const)('a program of the %s engine', (name) => {
  let program: Program;

  const compile = async (fn: StepFunction = accumulate) => {
    const engine = await openEngine({ name, threads: 1 });
    program = await engine.compile(fn, SIGNATURE);
    return program;
  };

  afterEach(async () => {
    await program.dispose();
  });

  it('carries state from run to run, starting at zero', async () => {
    await compile();
    expect([...(await program.readState('sum'))]).toEqual([0, 0, 0]);
    expect([...at([(await program.run(feed(1, 2, 3)))['total']], 0)]).toEqual([6]);
    expect([...at([(await program.run(feed(1, 0, -5)))['total']], 0)]).toEqual([2]);
    expect([...(await program.readState('sum'))]).toEqual([2, 2, -2]);
  });

  it('reads and writes state as copies, and keeps what a step does not return', async () => {
    await compile();
    const values = Float32Array.of(10, 20, 30);
    program.writeState('sum', values);
    program.writeState('kept', Float32Array.of(7, 8));
    values.fill(0);
    (await program.readState('sum')).fill(0);
    await program.run(feed(1, 1, 1));
    await program.run(feed(1, 1, 1));
    expect([...(await program.readState('sum'))]).toEqual([12, 22, 32]);
    expect([...(await program.readState('kept'))]).toEqual([7, 8]);
  });

  it('gives back state that swaps its names', async () => {
    await compile((inputs, state) => ({
      outputs: {},
      state: {
        sum: tf.concat([named(state, 'kept'), tf.slice(named(inputs, 'x'), 0, 1)]),
        kept: tf.slice(named(state, 'sum'), 0, 2),
      },
    }));
    program.writeState('sum', Float32Array.of(1, 2, 3));
    program.writeState('kept', Float32Array.of(4, 5));
    await program.run(feed(9, 0, 0));
    expect([...(await program.readState('sum'))]).toEqual([4, 5, 9]);
    expect([...(await program.readState('kept'))]).toEqual([1, 2]);
  });

  it('refuses wrong inputs and state, naming them', async () => {
    await compile();
    await expect(program.run({ x: new Float32Array(3) })).rejects.toThrow('input unread is missing');
    await expect(program.run({ ...feed(1, 2), x: new Float32Array(2) })).rejects.toThrow('input x has 2 numbers');
    await expect(program.run({ ...feed(1, 2, 3), unread: new Float32Array(1) })).rejects.toThrow('must be int32');
    await expect(program.run({ ...feed(1, 2, 3), z: new Float32Array(1) })).rejects.toThrow('input z is not in');
    expect(() => program.writeState('sum', new Float32Array(4))).toThrow(RangeError);
    expect(() => program.writeState('none', new Float32Array(4))).toThrow(RangeError);
    await expect(program.readState('none')).rejects.toThrow(RangeError);
  });
});

describe('openEngine', () => {
  it('takes onnx by default', async () => {
    const engine = await openEngine({ threads: 1 });
    expect(engine).toMatchObject({ name: 'onnx', device: 'cpu', threads: 1 });
    await engine.dispose();
  });

  it('refuses threads and devices that are not there', async () => {
    await expect(openEngine({ threads: 0 })).rejects.toThrow(RangeError);
    await expect(openEngine({ threads: 1.5 })).rejects.toThrow(RangeError);
    await expect(openEngine({ name: 'onnx', device: 'abacus' })).rejects.toThrow(RangeError);
  });

  it('refuses a program that needs more memory than the limit, naming both', async () => {
    const engine = await openEngine({ name: 'onnx', threads: 1, memoryLimitMiB: 10 });
    const compile = (size: number) =>
      engine.compile((inputs) => ({ outputs: { y: tf.square(named(inputs, 'x')) } }), {
        inputs: { x: { shape: [size] } },
      });
    // Input and output of four million float32 numbers each are 32 MB; ONNX Runtime takes more.
    await expect(compile(4_000_000)).rejects.toMatchObject({
      code: 'ENGINE_MEMORY_LIMIT',
      message: expect.stringMatching(/the program needs about \d+ MiB, the limit is 10 MiB/),
      context: { limitMiB: 10, neededMiB: expect.any(Number) },
    });
    await (await compile(1_000)).dispose();
  });

  it('refuses to run a program twice at once', async () => {
    const engine = await openEngine({ name: 'onnx', threads: 1 });
    const program = await engine.compile(accumulate, SIGNATURE);
    const first = program.run(feed(1, 1, 1));
    await expect(program.run(feed(1, 1, 1))).rejects.toThrow('one step at a time');
    await first;
    await program.dispose();
  });
});

describe('float16', () => {
  const multiply: StepFunction = (inputs) => {
    const x = tf.reshape(named(inputs, 'x'), [2, 2]);
    return { outputs: { y: tf.matMul(x, x) } };
  };
  const signature = { inputs: { x: { shape: [4] } } };
  /** 1 + 2^-12 lies between two float16 numbers; the nearer one is 1. */
  const x = Float32Array.of(1 + 2 ** -12, 0, 0, 1);

  it('rounds what matrix products read, and overflows beyond 65504', async () => {
    const engine = await openEngine({ name: 'onnx', threads: 1, precision: 'float16' });
    const program = await engine.compile(multiply, signature, { precision: 'float16' });
    expect([...at([(await program.run({ x }))['y']], 0)]).toEqual([1, 0, 0, 1]);
    expect(at([(await program.run({ x: Float32Array.of(300, 0, 0, 1) }))['y']], 0)[0]).toBe(Infinity);
    await program.dispose();
  });

  it('is used by no program that does not ask for it', async () => {
    const engine = await openEngine({ name: 'onnx', threads: 1, precision: 'float16' });
    const program = await engine.compile(multiply, signature);
    expect(at([(await program.run({ x }))['y']], 0)[0]).toBeGreaterThan(1);
    await program.dispose();
  });

  it('is refused by an engine that was opened without it, and by engines that lack it', async () => {
    const engine = await openEngine({ name: 'onnx', threads: 1 });
    await expect(engine.compile(multiply, signature, { precision: 'float16' })).rejects.toThrow(/opened with float32/);
    const reference = openEngine({ name: 'reference', threads: 1, precision: 'float16' });
    await expect(reference).rejects.toThrow('the reference engine trains in float32 only');
  });
});
