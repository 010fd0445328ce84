import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { at } from '@tributary/onnx-graph';
import { registerGradients } from '../gradients/register-gradients.js';
import { record } from './record.js';

/** The operators that a function of one image [2, 4, 4, 3] is recorded as. */
function operators(fn: (x: tf.Tensor4D) => tf.Tensor): string[] {
  const signature = { inputs: { x: { shape: [2, 4, 4, 3] } } };
  const { graph } = record(({ x = tf.scalar(0) }) => ({ outputs: { y: fn(x as tf.Tensor4D) } }), signature);
  return graph.nodes.map(({ op }) => op);
}

describe('while recording', () => {
  it.each<[string, (x: tf.Tensor4D) => tf.Tensor]>([
    ['x + 0', (x) => tf.add(x, 0)],
    ['1 · x', (x) => tf.mul(1, x)],
    ['x / 1', (x) => tf.div(x, 1)],
    ['there and back', (x) => tf.transpose(tf.transpose(x, [0, 3, 1, 2]), [0, 2, 3, 1])],
    ['a reshape and its inverse', (x) => tf.reshape(tf.reshape(x, [2, 16, 3]), [2, 4, 4, 3])],
  ])('%s is x itself', (_, fn) => {
    expect(operators(fn)).toEqual([]);
  });

  it('arithmetic of constants is done at once', () => {
    expect(operators((x) => tf.mul(x, tf.div(tf.add(1, 2), tf.sqrt(tf.scalar(4)))))).toEqual(['Mul']);
  });

  it('constant factors in a row become one, and division by a power of two is a factor', () => {
    expect(operators((x) => tf.mul(tf.div(tf.mul(x, 3), 4), 0.1))).toEqual(['Mul']);
  });

  it('the same work is written once', () => {
    expect(operators((x) => tf.add(tf.exp(x), tf.exp(x)))).toEqual(['Exp', 'Add']);
  });

  it('work that no output needs is dropped', () => {
    expect(
      operators((x) => {
        tf.exp(x);
        return tf.neg(x);
      }),
    ).toEqual(['Neg']);
  });

  it('images stay channels first between convolutions: one transpose in, one out', () => {
    const convolve = (x: tf.Tensor4D) => tf.conv2d<tf.Tensor4D>(x, tf.ones([3, 3, 3, 3]), 1, 'same');
    const list = operators((x) => convolve(tf.relu(convolve(tf.relu(convolve(x))))));
    expect(list.filter((op) => op === 'Transpose')).toHaveLength(2);
  });

  it('images stay channels first where matrices multiply their pixels, on the way back too', () => {
    registerGradients();
    const convolve = (x: tf.Tensor4D) => tf.conv2d<tf.Tensor4D>(x, tf.ones([3, 3, 3, 3]), 1, 'same');
    const project = (x: tf.Tensor4D): tf.Tensor4D =>
      tf.reshape(tf.matMul(tf.reshape(x, [2, 16, 3]), tf.ones([1, 3, 3]), false, true), x.shape);
    const transposes = (middle: (x: tf.Tensor4D) => tf.Tensor4D) => {
      const gradient = tf.grad((x) => tf.exp(convolve(middle(convolve(tf.reshape(x, [2, 4, 4, 3]))))));
      return operators(gradient).filter((op) => op === 'Transpose');
    };
    expect(transposes((x) => project(project(x)))).toEqual(transposes((x) => x));
  });

  it('a whole image split into one part is the image', () => {
    expect(operators((x) => at(tf.split(x, [4], 1), 0))).toEqual([]);
  });
});
