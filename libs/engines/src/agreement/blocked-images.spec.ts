import * as tf from '@tensorflow/tfjs-core';
import { conv2d, groupNorm, silu, upsampledConv2d } from '@tributary/layers';
import { openEngine } from '../open-engine.js';
import { describeAgreement } from './agreement-suite.spec-support.js';
import { type AgreementCase, normal, positive } from './agreement.spec-support.js';

/** float32, through two convolutions and a normalisation. */
const TOLERANCE = 1e-4;
const CHANNELS = 32;
const PADDED = { padding: 1 };
const GROUPS = { groups: 8, epsilon: 1e-5 };

const image = normal(2, 6, 5, CHANNELS);
const kernel = normal(CHANNELS, CHANNELS, 3, 3);
const perChannel = normal(CHANNELS);

const filtered = (x: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) =>
  conv2d(x as tf.Tensor4D, w as tf.Tensor4D, b as tf.Tensor1D | undefined, PADDED);
const normalised = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
  groupNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, GROUPS);

/** What networks do with an image between two convolutions. */
const CASES: readonly AgreementCase[] = [
  {
    name: 'a residual block',
    inputs: [image, kernel, perChannel, perChannel],
    fn: (x, w, b, gamma) => {
      const h = silu(normalised(filtered(x, w, b), gamma, b));
      return tf.add(filtered(h, w), x);
    },
  },
  {
    name: 'a number a channel and example, added and multiplied',
    inputs: [image, kernel, normal(2, 1, 1, CHANNELS)],
    fn: (x, w, t) => filtered(tf.mul(tf.add(filtered(x, w), t), t), w),
  },
  {
    name: 'a normalised image with a number a channel and example added',
    inputs: [image, kernel, normal(2, 1, 1, CHANNELS), perChannel],
    fn: (x, w, t, gamma) => filtered(silu(normalised(tf.add(filtered(x, w), t), gamma, gamma)), w),
  },
  {
    name: 'a number a channel, taken away',
    inputs: [image, kernel, perChannel],
    fn: (x, w, b) => filtered(tf.sub(filtered(x, w), b), w),
  },
  {
    name: 'an image that was never convolved, multiplied',
    inputs: [image, kernel, image],
    fn: (x, w, y) => filtered(tf.mul(filtered(x, w), tf.exp(tf.sin(y))), w),
  },
  {
    name: 'channels joined',
    inputs: [image, kernel, normal(CHANNELS, 2 * CHANNELS, 3, 3)],
    fn: (x, w, wide) => filtered(tf.concat([filtered(x, w), x], 3), wide),
  },
  {
    name: 'channels joined that are no whole blocks',
    inputs: [image, kernel, normal(2, 6, 5, 3), normal(CHANNELS, CHANNELS + 3, 3, 3)],
    fn: (x, w, few, wide) => filtered(tf.concat([filtered(x, w), few], 3), wide),
  },
  {
    name: 'channels parted',
    inputs: [image, kernel, normal(16, 16, 3, 3)],
    fn: (x, w, half) => {
      const [a, b] = tf.split(filtered(x, w), 2, 3);
      if (!a || !b) throw new RangeError('two halves');
      return tf.mul(filtered(a, half), tf.sigmoid(b));
    },
  },
  {
    name: 'sums and means over pixels, examples and rows',
    inputs: [image, kernel],
    fn: (x, w) => {
      const y = filtered(x, w);
      const rows = tf.mean(y, 1, true);
      return tf.add(
        tf.add(tf.sum(y, [1, 2], true), tf.mean(y, [0, 1, 2], true)),
        tf.add(rows, tf.max(y, [1, 2], true)),
      );
    },
  },
  {
    name: 'normalised images far from zero',
    inputs: [positive(2, 6, 5, CHANNELS), kernel, perChannel, perChannel],
    fn: (x, w, gamma, beta) => normalised(tf.add(filtered(x, w), tf.scalar(30)), gamma, beta),
  },
  {
    name: 'a convolution of single pixels',
    inputs: [image, kernel, normal(48, CHANNELS, 1, 1)],
    fn: (x, w, pixel) => tf.square(conv2d(filtered(x, w), pixel as tf.Tensor4D)),
  },
  {
    name: 'one channel, many, and one again',
    inputs: [normal(2, 6, 5, 1), normal(CHANNELS, 1, 3, 3), perChannel, normal(1, CHANNELS, 3, 3)],
    fn: (x, first, b, last) => filtered(silu(filtered(x, first, b)), last),
  },
  {
    name: 'an image enlarged, then one of half the size',
    inputs: [image, kernel, perChannel],
    fn: (x, w, b) => {
      const large = upsampledConv2d(filtered(x, w), w as tf.Tensor4D, b as tf.Tensor1D);
      return conv2d(large, w as tf.Tensor4D, b as tf.Tensor1D, { stride: 2, padding: 1 });
    },
  },
  {
    name: 'images of one pixel',
    inputs: [normal(3, 1, 1, CHANNELS), kernel, perChannel, perChannel],
    fn: (x, w, gamma, beta) => filtered(silu(normalised(filtered(x, w), gamma, beta)), w),
  },
];

describeAgreement(
  'images that stay in blocks of channels',
  () => openEngine({ name: 'onnx', threads: 1, layout: 'blocked' }),
  {
    cases: CASES,
    tolerance: TOLERANCE,
  },
);
