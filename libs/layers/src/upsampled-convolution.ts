import * as tf from '@tensorflow/tfjs-core';
import { range } from '@tributary/onnx-graph';
import { convolutionRule } from './per-example/convolution-rule.js';
import { type ExampleRule, runLayer } from './per-example/observed-layer.js';
import { shiftRule } from './per-example/rules.js';
import { isRecording } from '@tributary/tensor';
import { conv2d, convTranspose2d } from './convolution.js';
import { explicitPadding } from './composed-convolution.js';
import { upsampleNearest2d } from './resampling.js';

const FACTOR = 2;

/**
 * `conv2d` of an image in which every pixel is repeated twice in both directions, padded to keep its size.
 *
 * Recorded, the repeated pixels are never made: of the k² elements of the kernel that meet a window of the large image, those on
 * the same small pixel are added first. What is left is a transposed convolution with stride 2 and a kernel of k + 1: 16 products
 * for four pixels in place of 36 with k = 3 (Odena et al. 2016, "Deconvolution and checkerboard artifacts", on the equivalence).
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [outChannels, inChannels, k, k] with odd k, PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, 2 height, 2 width, outChannels].
 * @throws RangeError when the kernel is even.
 */
export function upsampledConv2d(x: tf.Tensor4D, weight: tf.Tensor4D, bias?: tf.Tensor1D): tf.Tensor4D {
  const size = weight.shape[2];
  if (size % 2 === 0) throw new RangeError(`upsampledConv2d: the kernel must be odd, got ${size}`);
  const options = { padding: (size - 1) / 2 };
  const plainly = (images: tf.Tensor4D, filter: tf.Tensor): tf.Tensor4D =>
    conv2d(images, tf.reshape(filter, weight.shape), undefined, options);
  const attributes = { strides: 1, pad: explicitPadding(x.rank, options.padding), dilations: 1 };
  const rule: ExampleRule = (dy, batch) => {
    const large = upsampleNearest2d(x, FACTOR);
    return convolutionRule({ x: large, weight, apply: plainly, attributes, isTransposed: false })(dy, batch);
  };
  const apply = () =>
    isRecording()
      ? convTranspose2d(x, mergedKernel(weight), undefined, { stride: FACTOR, padding: options.padding })
      : plainly(upsampleNearest2d(x, FACTOR), weight);
  return runLayer({
    layer: 'upsampledConv2d',
    inputs: [x],
    parameters: [{ tensor: weight, rule }, ...(bias ? [{ tensor: bias, rule: shiftRule(bias.shape) }] : [])],
    forward: () => (bias ? tf.add(apply(), bias) : apply()),
  });
}

/** [O, I, k, k] to [I, O, k + 1, k + 1]: per direction K[m] = W[k - 1 - m] + W[k - m], elements outside being zero. */
function mergedKernel(weight: tf.Tensor4D): tf.Tensor4D {
  const [outChannels, inChannels, size] = weight.shape;
  const isOnPixel = (element: number, place: number) =>
    element === size - 1 - place || element === size - place ? 1 : 0;
  const pairs = range(size ** 2).map((element) =>
    range((size + 1) ** 2).map((place) => {
      const [row, column] = [Math.floor(element / size), element % size];
      const [placeRow, placeColumn] = [Math.floor(place / (size + 1)), place % (size + 1)];
      return isOnPixel(row, placeRow) * isOnPixel(column, placeColumn);
    }),
  );
  const merged = tf.matMul(tf.reshape(weight, [outChannels * inChannels, size ** 2]), tf.tensor2d(pairs));
  return tf.transpose(tf.reshape(merged, [outChannels, inChannels, size + 1, size + 1]), [1, 0, 2, 3]);
}
