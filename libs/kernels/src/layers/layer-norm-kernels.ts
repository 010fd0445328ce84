import * as tf from '@tensorflow/tfjs-core';
import { type GraphBuilder, range } from '@tributary/onnx-graph';
import { kernel, type RecordedKernel } from '../kernel.js';
import { denseInOrder, plain, type Symbolic } from '../symbolic/symbolic.js';

export const LAYER_NORM = 'TributaryLayerNorm';

/** Outputs y, and the mean and 1 / sqrt(variance + epsilon) of every row. */
function forward(
  g: GraphBuilder,
  { x, gamma, beta }: Record<'x' | 'gamma' | 'beta', Symbolic>,
  { epsilon }: { epsilon: number },
): Symbolic[] {
  const rows = { shape: x.shape.with(-1, 1), type: x.type };
  const outputs = g.applyMany(
    'LayerNormalization',
    [denseInOrder(g, x), denseInOrder(g, gamma), denseInOrder(g, beta)],
    {
      outputs: [{ shape: x.shape, type: x.type }, rows, rows],
      attributes: { axis: -1, epsilon: { float: epsilon } },
    },
  );
  return outputs.map(plain);
}

/** dx = (g - mean(g) - x̂ mean(g x̂)) / sqrt(variance + epsilon) with g = gamma dy and x̂ the normalised row. */
function slope(gradient: tf.Tensor, normalised: tf.Tensor, inverse: tf.Tensor): tf.Tensor {
  const along = tf.mul(normalised, tf.mean(tf.mul(gradient, normalised), -1, true));
  return tf.mul(inverse, tf.sub(tf.sub(gradient, tf.mean(gradient, -1, true)), along));
}

export const layerNormKernels: readonly RecordedKernel[] = [
  {
    ...kernel(LAYER_NORM, ['x', 'gamma', 'beta'], (g, inputs, attributes: { epsilon: number }) =>
      forward(g, inputs, attributes),
    ),
    gradient: {
      inputsToSave: ['x', 'gamma'],
      outputsToSave: [false, true, true],
      gradFunc: (dys, [x, gamma, mean, inverse]) => {
        const [dy] = [dys].flat();
        if (!x || !gamma || !mean || !inverse || !dy) throw new RangeError('layerNorm gradient: missing operands');
        const normalised = tf.mul(tf.sub(x, mean), inverse);
        const leading = range(x.rank - 1);
        return {
          x: () => slope(tf.mul(dy, gamma), normalised, inverse),
          gamma: () => tf.sum(tf.mul(dy, normalised), leading),
          beta: () => tf.sum(dy, leading),
        };
      },
    },
  },
];
