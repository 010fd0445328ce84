import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import { at } from '@tributary/onnx-graph';

describe('the gradient of a gather', () => {
  // Few rows are summed by a product with a one-hot matrix, many by scattering: 2^20 pairs of row and index lie between.
  it.each([40, 1400])('adds up the rows that were read, with %d rows', async (rows) => {
    const count = 1000;
    const random = randomStream(2, 'gather', rows);
    const indices = Int32Array.from({ length: count }, () => random.integer(rows));
    const dy = Float32Array.from({ length: 2 * count }, () => random.integer(9));
    const engine = await openEngine({ name: 'onnx', threads: 1 });
    const program = await engine.compile(
      ({ table = tf.scalar(0), i = tf.scalar(0), upstream = tf.scalar(0) }) => {
        const gradient = tf.grad((x: tf.Tensor) => tf.gather(x, i))(table, upstream);
        return { outputs: { gradient } };
      },
      {
        inputs: { table: { shape: [rows, 2] }, i: { shape: [count], dtype: 'int32' }, upstream: { shape: [count, 2] } },
      },
    );
    const { gradient } = await program.run({ table: new Float32Array(2 * rows), i: indices, upstream: dy });
    const expected = new Float32Array(2 * rows);
    indices.forEach((row, k) => {
      for (const column of [0, 1]) expected[2 * row + column] = at(expected, 2 * row + column) + at(dy, 2 * k + column);
    });
    expect(gradient).toEqual(expected);
    await program.dispose();
  });
});
