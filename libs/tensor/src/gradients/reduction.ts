import * as tf from '@tensorflow/tfjs-core';
import { at, product } from '@tributary/onnx-graph';
import { gradient, need } from './gradient.js';

/** `reduced` as it would be with `keepDims`, so that it broadcasts against a tensor of `shape`. */
function keepDims(reduced: tf.Tensor, shape: number[], axes: number | number[]): tf.Tensor {
  const logical = tf.util.parseAxisParam(axes, shape);
  return tf.reshape(
    reduced,
    shape.map((size, axis) => (logical.includes(axis) ? 1 : size)),
  );
}

/** The gradient goes to every element that equals the extreme. */
function toExtremes({ dy, x, y, axes }: Record<'dy' | 'x' | 'y', tf.Tensor> & { axes: number | number[] }): tf.Tensor {
  const isExtreme = tf.equal(x, keepDims(y, x.shape, axes));
  return tf.mul(keepDims(dy, x.shape, axes), tf.cast(isExtreme, 'float32'));
}

const BOTH_SIDES = { inputs: ['x'], output: true };

export const reductionGradients: readonly tf.GradConfig[] = [
  gradient<tf.SumAttrs>('Sum', { inputs: ['x'] }, ({ dy, saved, attributes }) => {
    const { shape } = need(saved, 0);
    return { x: () => tf.broadcastTo(keepDims(dy, shape, attributes.axis), shape) };
  }),
  gradient<tf.MeanAttrs>('Mean', { inputs: ['x'] }, ({ dy, saved, attributes }) => {
    const { shape } = need(saved, 0);
    const count = product(tf.util.parseAxisParam(attributes.axis, shape).map((axis) => at(shape, axis)));
    return { x: () => tf.broadcastTo(tf.div(keepDims(dy, shape, attributes.axis), count), shape) };
  }),
  gradient<tf.MaxAttrs>('Max', BOTH_SIDES, ({ dy, saved, attributes }) => ({
    x: () => toExtremes({ dy, x: need(saved, 0), y: need(saved, 1), axes: attributes.reductionIndices }),
  })),
  gradient<tf.MinAttrs>('Min', BOTH_SIDES, ({ dy, saved, attributes }) => ({
    x: () => toExtremes({ dy, x: need(saved, 0), y: need(saved, 1), axes: attributes.axis }),
  })),
  gradient<tf.ProdAttrs>('Prod', BOTH_SIDES, ({ dy, saved, attributes }) => {
    const x = need(saved, 0);
    return { x: () => tf.div(keepDims(tf.mul(dy, need(saved, 1)), x.shape, attributes.axis), x) };
  }),
  gradient<tf.CumsumAttrs>('Cumsum', {}, ({ dy, attributes: { axis, exclusive, reverse } }) => ({
    x: () => tf.cumsum(dy, axis, exclusive, !reverse),
  })),
  gradient<tf.SoftmaxAttrs>('Softmax', { output: true }, ({ dy, saved, attributes }) => {
    const y = need(saved, 0);
    const weighted = tf.mul(dy, y);
    return { logits: () => tf.sub(weighted, tf.mul(tf.sum(weighted, attributes.dim, true), y)) };
  }),
];
