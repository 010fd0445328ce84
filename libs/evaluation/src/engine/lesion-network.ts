import * as tf from '@tensorflow/tfjs-core';
import { conv2d, groupNorm, linear, parameterCount, type ParameterSpec, silu } from '@tributary/layers';
import { randomStream } from '@tributary/random';
import type { Tensors } from '@tributary/tensor';

const KERNEL = 3;
/** Channels and stride of the convolutions. The last feature map keeps a lesion of a few pixels apart from its surroundings. */
const LAYERS = [
  { width: 8, stride: 1 },
  { width: 16, stride: 2 },
  { width: 32, stride: 2 },
] as const;
const LAST_WIDTH = 32;
const NORM = { groups: 4, epsilon: 1e-5 };

/**
 * Parameters in PyTorch layout: three 3 x 3 convolutions with group normalisation, then one linear unit on the means and
 * maxima of the last channels.
 */
export function lesionManifest(channels: number): ParameterSpec[] {
  const layers = LAYERS.flatMap(({ width }, at): ParameterSpec[] => [
    { name: `layers.${at}.norm.bias`, shape: [width] },
    { name: `layers.${at}.norm.weight`, shape: [width] },
    { name: `layers.${at}.weight`, shape: [width, LAYERS[at - 1]?.width ?? 2 * channels, KERNEL, KERNEL] },
  ]);
  return [...layers, { name: 'linear.bias', shape: [1] }, { name: 'linear.weight', shape: [1, 2 * LAST_WIDTH] }];
}

/**
 * Convolutions of variance 2 / fan-in (He et al. 2015, eq. 10), norms that change nothing and an undecided linear unit, as
 * one flat vector.
 */
export function initialLesionWeights(manifest: readonly ParameterSpec[], seed: number): Float32Array {
  const weights = new Float32Array(parameterCount(manifest));
  let offset = 0;
  for (const { name, shape } of manifest) {
    const part = weights.subarray(offset, (offset += parameterCount([{ name, shape }])));
    if (name.endsWith('norm.weight')) part.fill(1);
    const [, ...inputShape] = shape;
    if (inputShape.length < 3) continue;
    const fanIn = parameterCount([{ name, shape: inputShape }]);
    randomStream(seed, 'lesion-network', name).fillNormal(part);
    part.forEach((value, at) => (part[at] = value * Math.sqrt(2 / fanIn)));
  }
  return weights;
}

/**
 * The network sees each image beside its difference from its mirror image: most anatomy is symmetric and most lesions are not.
 * @param images `[batch, height, width, channels]`, -1 to 1.
 * @returns `[batch]`: the log odds of a lesion.
 */
export function lesionLogits(images: tf.Tensor4D, parameters: Tensors): tf.Tensor1D {
  let x: tf.Tensor4D = tf.concat([images, tf.sub(images, tf.reverse(images, 2))], 3);
  LAYERS.forEach(({ width, stride }, at) => {
    const filter: tf.Tensor4D = tf.reshape(named(parameters, `layers.${at}.weight`), [
      width,
      x.shape[3],
      KERNEL,
      KERNEL,
    ]);
    const gamma: tf.Tensor1D = tf.reshape(named(parameters, `layers.${at}.norm.weight`), [width]);
    const beta: tf.Tensor1D = tf.reshape(named(parameters, `layers.${at}.norm.bias`), [width]);
    x = silu(groupNorm(conv2d(x, filter, undefined, { stride, padding: 1 }), gamma, beta, NORM));
  });
  const pooled = tf.concat([tf.mean(x, [1, 2]), tf.max(x, [1, 2])], 1);
  const weight: tf.Tensor2D = tf.reshape(named(parameters, 'linear.weight'), [1, 2 * LAST_WIDTH]);
  const bias: tf.Tensor1D = tf.reshape(named(parameters, 'linear.bias'), [1]);
  return tf.reshape(linear(pooled, weight, bias), [-1]);
}

/** Mean binary cross-entropy of log odds, in the form that cannot overflow: `max(z, 0) - z y + ln(1 + e^-|z|)`. */
export function logisticLoss(logits: tf.Tensor1D, labels: tf.Tensor1D): tf.Scalar {
  const softened = tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(logits)))));
  const loss = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), softened);
  return tf.reshape(tf.mean(loss), []);
}

function named(parameters: Tensors, name: string): tf.Tensor {
  const parameter = parameters[name];
  if (!parameter) throw new RangeError(`the lesion network has no parameter ${name}`);
  return parameter;
}
