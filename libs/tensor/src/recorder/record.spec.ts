import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import { at } from '@tributary/onnx-graph';
import type { Signature, StepFunction, Tensors } from '../program.js';
import { record } from './record.js';
import { RecordingError } from './recording-error.js';

const SIGNATURE = { inputs: { x: { shape: [2, 3] } }, state: { total: { shape: [] } } };

const outputting =
  (fn: (x: tf.Tensor) => tf.Tensor): StepFunction =>
  ({ x }) => ({ outputs: { y: fn(x ?? tf.scalar(0)) } });

function messageOf(fn: StepFunction, signature: Signature = SIGNATURE): string {
  try {
    record(fn, signature);
  } catch (error) {
    expect(error).toBeInstanceOf(RecordingError);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('nothing was thrown');
}

describe('record', () => {
  it('gives a graph whose ports are the signature', () => {
    const recording = record(({ x = tf.scalar(0) }, { total = tf.scalar(0) }) => {
      const next = tf.add(total, tf.sum(x));
      return { outputs: { isLarge: tf.greater(next, 5) }, state: { total: next } };
    }, SIGNATURE);
    expect(recording.inputs).toEqual([{ name: 'x', graphName: 'in.x', shape: [2, 3], dtype: 'float32' }]);
    expect(recording.outputs).toEqual([{ name: 'isLarge', graphName: 'out.isLarge', shape: [], dtype: 'int32' }]);
    expect(recording.nextState).toEqual([{ name: 'total', graphName: 'next.total', shape: [], dtype: 'float32' }]);
    expect(recording.graph.nodes.map((node) => node.op)).toEqual(
      expect.arrayContaining(['ReduceSum', 'Add', 'Greater', 'Cast']),
    );
  });

  it('does not write state that is returned as it came', () => {
    const recording = record((_, state) => ({ outputs: {}, state }), SIGNATURE);
    expect(recording.nextState).toEqual([]);
  });

  it('leaves tfjs as it was: backend, Math.random, number of tensors', async () => {
    await useMendedCpu();
    const { random } = Math;
    const before = tf.memory().numTensors;
    record(
      outputting((x) => tf.square(x)),
      SIGNATURE,
    );
    expect(() =>
      record(
        outputting((x) => tf.reshape(x, [7])),
        SIGNATURE,
      ),
    ).toThrow(RecordingError);
    expect(tf.getBackend()).toBe('cpu');
    expect(Math.random).toBe(random);
    expect(tf.memory().numTensors).toBe(before);
    expect([...tf.add(1, 2).dataSync()]).toEqual([3]);
  });

  describe('refuses what would be frozen into the graph, naming the line', () => {
    const site = /\(at record\.spec\.ts:\d+:\d+\)$/;

    it('random numbers of tfjs', () => {
      const message = messageOf(outputting((x) => tf.add(x, tf.randomNormal([2, 3]))));
      expect(message).toContain('frozen');
      expect(message).toMatch(site);
    });

    it('random numbers of tfjs with a seed', () => {
      expect(messageOf(outputting((x) => tf.add(x, tf.randomNormal([2, 3], 0, 1, 'float32', 42))))).toContain(
        'tf.randomNormal',
      );
      expect(messageOf(outputting((x) => tf.add(x, tf.randomUniform([2, 3], 0, 1, 'float32', 42))))).toContain(
        'tf.randomUniform',
      );
      expect(messageOf(outputting((x) => tf.add(x, tf.truncatedNormal([2, 3], 0, 1, 'float32', 42))))).toMatch(site);
    });

    it('dropout', () => {
      expect(messageOf(outputting((x) => tf.dropout(x, 0.5)))).toMatch(site);
      expect(messageOf(outputting((x) => tf.dropout(x, 0.5, undefined, 7)))).toContain('frozen');
    });

    it('Math.random', () => {
      const message = messageOf(outputting((x) => tf.mul(x, Math.random())));
      expect(message).toContain('Math.random');
      expect(message).toMatch(site);
    });

    it('tensors made before', async () => {
      await useMendedCpu();
      const captured = tf.tensor2d([[1, 2, 3]]);
      const message = messageOf(outputting((x) => tf.add(x, captured)));
      expect(message).toContain('Add: b is a tensor made before the recording');
      expect(message).toMatch(site);
      expect(messageOf(outputting(() => captured))).toContain('the output y was made before');
      captured.dispose();
    });

    it('variables', () => {
      expect(messageOf(outputting((x) => tf.variable(x)))).toContain('a variable was made');
    });

    it('values that are read, and branches on them', () => {
      expect(messageOf(outputting((x) => (at(x.dataSync(), 0) > 0 ? x : tf.neg(x))))).toMatch(site);
      expect(messageOf(outputting((x) => tf.scalar(Number(tf.sum(x).arraySync()))))).toContain('a value was read');
      expect(
        messageOf(
          outputting((x) => {
            void x.data();
            return x;
          }),
        ),
      ).toContain('a value was read');
    });
  });

  it('names kernel, shapes and line when a kernel is not covered', () => {
    const message = messageOf(outputting((x) => tf.topk(x, 1).values));
    expect(message).toMatch(/the kernel TopK cannot be recorded \(x \[2, 3\]\).*record\.spec\.ts/);
  });

  it('names the line of a wrong shape', () => {
    const message = messageOf(outputting((x) => tf.matMul(x, x)));
    expect(message).toMatch(/matMul.*record\.spec\.ts:\d+/s);
  });

  it.each<[string, (x: tf.Tensor, whole: tf.Tensor) => tf.Tensor, string]>([
    ['shapes that do not broadcast', (x) => tf.add(x, tf.transpose(x)), 'could not be broadcast'],
    ['a slice beyond the end', (x) => tf.slice(x, [0, 2], [2, 4]), 'begin[1] + size[1] (6) would overflow'],
    ['indices that are not integers', (x) => tf.gather(x, x), "'indices' passed to 'gather' must be int32"],
    ['conditions that are not truth values', (x) => tf.where(x, x, x), "'condition' passed to 'where' must be bool"],
    ['functions of integers', (_, whole) => tf.exp(whole), 'Exp does not take int32'],
    ['products of integers', (_, whole) => tf.matMul(whole, whole, false, true), 'FusedMatMul does not take int32'],
    ['sums of truth values', (x) => tf.add(tf.greater(x, 1), tf.less(x, 2)), 'Add does not take bool'],
    ['types that are joined', (x, whole) => tf.concat([x, whole]), 'Concat does not mix float32 and int32'],
    ['types that are chosen from', (x, w) => tf.where(tf.greater(x, 1), x, w), 'Where does not mix float32 and int32'],
  ])('names the line of %s', (_, fn, cause) => {
    const message = messageOf(({ x = tf.scalar(0), whole = tf.scalar(0) }) => ({ outputs: { y: fn(x, whole) } }), {
      inputs: { x: { shape: [2, 3] }, whole: { shape: [2, 3], dtype: 'int32' } },
    });
    expect(message).toContain(cause);
    expect(message).toMatch(/\(at record\.spec\.ts:\d+:\d+\)$/);
  });

  it('refuses an asynchronous step function', () => {
    const step = async ({ x = tf.scalar(0) }: Tensors) => Promise.resolve({ outputs: { y: x } });
    expect(messageOf(step as unknown as StepFunction)).toContain('asynchronous');
  });

  it('refuses state of another shape, type or name', () => {
    expect(
      messageOf(({ x = tf.scalar(0) }) => ({ outputs: {}, state: { total: tf.cast(tf.sum(x), 'int32') } })),
    ).toContain('state total is float32 [] but was returned as int32 []');
    expect(messageOf(({ x = tf.scalar(0) }) => ({ outputs: {}, state: { total: x } }))).toContain(
      'state total is float32 [] but was returned as float32 [2, 3]',
    );
    expect(messageOf(({ x = tf.scalar(0) }) => ({ outputs: {}, state: { other: x } }))).toContain('does not declare');
  });

  it('refuses to use a recorded tensor later', () => {
    let leaked: tf.Tensor | undefined;
    record(
      outputting((x) => {
        leaked = tf.keep(tf.square(x));
        return x;
      }),
      SIGNATURE,
    );
    expect(() => leaked?.dataSync()).toThrow(RecordingError);
  });
});
