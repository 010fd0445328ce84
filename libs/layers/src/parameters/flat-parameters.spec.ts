import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import { at } from '@tributary/onnx-graph';
import { unflatten, valueAndGradient } from './flat-parameters.js';

const MANIFEST = [
  { name: 'a', shape: [2, 2] },
  { name: 'b', shape: [] },
  { name: 'unread', shape: [3] },
];

describe('flat parameters', () => {
  beforeAll(useMendedCpu);

  it('are cut out in manifest order', () => {
    const parameters = unflatten(tf.range(0, 8), MANIFEST);
    expect(Object.keys(parameters)).toEqual(['a', 'b', 'unread']);
    expect(parameters['a']?.arraySync()).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(parameters['b']?.arraySync()).toBe(4);
    expect(parameters['unread']?.arraySync()).toEqual([5, 6, 7]);
  });

  it('must fit the manifest', () => {
    expect(() => unflatten(tf.range(0, 9), MANIFEST)).toThrow(RangeError);
  });

  it('have a gradient in the same order: d(b · Σ a²) is 2 a b and Σ a², and 0 where nothing reads', () => {
    const { value, gradient } = valueAndGradient(
      (p) => tf.sum(tf.mul(at([p['b']], 0), tf.square(at([p['a']], 0)))),
      tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8]),
      MANIFEST,
    );
    expect(value.arraySync()).toBe(150);
    expect(gradient.arraySync()).toEqual([10, 20, 30, 40, 30, 0, 0, 0]);
  });
});
