import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import {
  normal,
  relativeDifference,
  runOn,
  signatureOf,
  stepOf,
} from '@tributary/engines/agreement/agreement.spec-support';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import { record } from '@tributary/tensor';
import { attention } from './attention.js';

const TOLERANCE = 2e-5;

const attentionCase = (tokens: number) => ({
  name: `attention over ${tokens} tokens`,
  inputs: [normal(2, 2, tokens, 4), normal(2, 2, tokens, 4), normal(2, 2, tokens, 4)],
  fn: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D),
});

/** The same, written out in tfjs operations with their own gradients. */
const writtenOut = (tokens: number) => ({
  ...attentionCase(tokens),
  fn: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => tf.matMul(tf.softmax(tf.matMul(tf.mul(q, 0.5), k, false, true)), v),
});

function softmaxes(tokens: number): number {
  const test = attentionCase(tokens);
  const shape = [2, 2, tokens, 4];
  return record(stepOf(test), signatureOf(test, shape)).graph.nodes.filter((node) => node.op === 'Softmax').length;
}

describe('attention', () => {
  it('keeps its weights for the gradient while they are small', () => {
    expect(softmaxes(64)).toBe(1);
  });

  it('computes large weights again, part by part', () => {
    expect(softmaxes(1500)).toBe(8);
  });

  it('has the values and gradients of the formula when done in parts', async () => {
    await useMendedCpu();
    const engine = await openEngine({ name: 'onnx', threads: 1 });
    const shape = [2, 2, 1500, 4];
    const actual = await runOn(engine, attentionCase(1500), shape);
    const expected = await runOn(engine, writtenOut(1500), shape);
    for (const name of ['y', 'dx0', 'dx1', 'dx2']) {
      expect(relativeDifference(actual[name] ?? [], expected[name] ?? [])).toBeLessThan(TOLERANCE);
    }
  }, 60_000);
});
