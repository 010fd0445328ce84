import { stopGradient } from '@tributary/layers';
import type { Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { imagesOf } from '../network/images.js';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet.js';
import { weightedBound } from './variational-bound.js';

/** Dropout masks travel among the step's inputs under their block's name with this prefix. */
export const MASK_PREFIX = 'dropout ';

/**
 * Weight · mean squared error of the raw output of every example, [batch]; where the variance is learned too, plus the variational
 * bound, which trains nothing but the variance (Nichol & Dhariwal 2021, eq. 16). A step minimises the mean.
 */
export function exampleLosses(network: Network, parameters: Tensors, inputs: Tensors): tf.Tensor1D {
  const masks = network.dropoutSites.map(({ name }) => [name, imagesOf(inputs, MASK_PREFIX + name)] as const);
  const output = network.forward({ parameters, dropoutMasks: Object.fromEntries(masks) }, imagesOf(inputs, 'image'), {
    noiseLevel: tensorOf(inputs, 'noiseLevel', tf.Rank.R1),
    classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
    image: inputs['condition'],
  });
  const weight = tensorOf(inputs, 'weight', tf.Rank.R1);
  const target = imagesOf(inputs, 'target');
  const terms = inputs['bound'];
  if (!terms) return squaredErrors(tf.sub(output, target), weight);

  const [estimate, variance] = tf.split(output, 2, output.rank - 1);
  if (!estimate || !variance) throw new RangeError('the network says nothing of the variance');
  const error = tf.sub(estimate, target);
  const flat = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [weight.size, -1]);
  const bound = weightedBound({ variance: flat(variance), error: stopGradient(flat(error)), terms });
  return tf.add(squaredErrors(error, weight), bound);
}

/** [batch] */
function squaredErrors(error: tf.Tensor, weight: tf.Tensor1D): tf.Tensor1D {
  return tf.mul(tf.mean(tf.reshape(tf.square(error), [weight.size, -1]), 1), weight);
}
