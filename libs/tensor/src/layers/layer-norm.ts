import * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { range } from '../graph/shapes.js';
import { runLayer } from '../per-example/observed-layer.js';
import { scaleRule, shiftRule } from '../per-example/rules.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { isRecording } from '../recorder/recorder-name.js';
import { denseInOrder, plain, type Symbolic } from '../recorder/symbolic.js';

const LAYER_NORM = 'TributaryLayerNorm';

/**
 * Layer normalisation over the last dimension (Ba et al. 2016, eq. 4): y = gamma · (x - mean) / sqrt(variance + epsilon) + beta.
 *
 * @param x       [..., channels].
 * @param gamma   [channels], as beta.
 * @param epsilon Added to the variance, > 0; PyTorch's default is 1e-5.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): T {
  return runLayer({
    layer: 'layerNorm',
    inputs: [x],
    parameters: [
      { tensor: gamma, rule: (dy, batch) => scaleRule(normalise(x, epsilon), gamma.shape)(dy, batch) },
      { tensor: beta, rule: shiftRule(beta.shape) },
    ],
    forward: () => {
      if (!isRecording()) return tf.add<T>(tf.mul(normalise(x, epsilon), gamma), beta);
      const [y] = tf.engine().runKernel<T[]>(LAYER_NORM, { x, gamma, beta }, { epsilon });
      if (!y) throw new RangeError('layerNorm gave no output');
      return y;
    },
  });
}

function normalise(x: tf.Tensor, epsilon: number): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
}

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
