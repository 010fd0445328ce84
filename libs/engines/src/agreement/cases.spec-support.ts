import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  avgPool2d,
  avgPool3d,
  batchNormTraining,
  conv2d as convolve,
  conv3d as convolve3d,
  convTranspose2d,
  convTranspose3d,
  fft2d,
  fftShift,
  groupNorm,
  ifft2d,
  layerNorm,
  linear,
  maxPool2d,
  randomUniform,
  silu,
  upsampledConv2d,
  upsampleNearest2d,
  upsampleNearest3d,
} from '@tributary/layers';
import { type AgreementCase, index, normal, positive } from './agreement.spec-support.js';

type Fn = (...inputs: never[]) => tf.Tensor;

const make = (name: string, inputs: AgreementCase['inputs'], fn: Fn): AgreementCase => ({
  name,
  inputs,
  fn: fn as AgreementCase['fn'],
});
const makeForward = (name: string, inputs: AgreementCase['inputs'], fn: Fn): AgreementCase => ({
  ...make(name, inputs, fn),
  noGradient: true,
});

type T = tf.Tensor;
type T2 = tf.Tensor2D;
type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

const conv = (strides: number, pad: 'same' | 'valid' | number) => (x: T4, w: T4) => tf.conv2d(x, w, strides, pad);

const convolutions = [
  make('conv2d 3x3 same', [normal(2, 8, 8, 16), normal(3, 3, 16, 16)], conv(1, 'same')),
  make('conv2d 3x3 same, one input channel', [normal(2, 12, 12, 1), normal(3, 3, 1, 20)], conv(1, 'same')),
  make('conv2d 3x3 same, three output channels', [normal(2, 12, 12, 20), normal(3, 3, 20, 3)], conv(1, 'same')),
  make('conv2d 3x3 same, odd sizes', [normal(2, 9, 11, 7), normal(3, 3, 7, 13)], conv(1, 'same')),
  make('conv2d 3x3 stride 2 same', [normal(2, 16, 16, 16), normal(3, 3, 16, 24)], conv(2, 'same')),
  make('conv2d 3x3 stride 2 same, odd sizes', [normal(2, 15, 13, 8), normal(3, 3, 8, 12)], conv(2, 'same')),
  make('conv2d 3x3 stride 2, padding 1', [normal(2, 16, 16, 8), normal(3, 3, 8, 12)], (x: T4, w: T4) =>
    tf.conv2d(x, w, 2, 1, 'NHWC', 1, 'floor'),
  ),
  make('conv2d 4x4 stride 2 same', [normal(2, 16, 16, 8), normal(4, 4, 8, 12)], conv(2, 'same')),
  make('conv2d 3x3 stride 2 valid', [normal(2, 17, 17, 8), normal(3, 3, 8, 12)], conv(2, 'valid')),
  make('conv2d 1x1', [normal(2, 7, 7, 5), normal(1, 1, 5, 9)], conv(1, 'same')),
  make('conv2d 1x1 stride 2', [normal(2, 8, 8, 5), normal(1, 1, 5, 9)], conv(2, 'same')),
  make('conv2d 2x2 stride 2', [normal(2, 8, 8, 5), normal(2, 2, 5, 6)], conv(2, 'valid')),
  make('conv2d 7x7 same', [normal(1, 16, 16, 3), normal(7, 7, 3, 16)], conv(1, 'same')),
  make('conv2d padding 1', [normal(2, 8, 8, 8), normal(3, 3, 8, 8)], conv(1, 1)),
  makeForward('conv2d dilation 2', [normal(1, 12, 12, 4), normal(3, 3, 4, 8)], (x: T4, w: T4) =>
    tf.conv2d(x, w, 1, 'same', 'NHWC', 2),
  ),
  make('conv2dTranspose 4x4 stride 2', [normal(2, 8, 8, 16), normal(4, 4, 8, 16)], (x: T4, w: T4) =>
    tf.conv2dTranspose(x, w, [2, 16, 16, 8], 2, 'same'),
  ),
  make('conv2dTranspose 2x2 stride 2', [normal(2, 8, 8, 16), normal(2, 2, 8, 16)], (x: T4, w: T4) =>
    tf.conv2dTranspose(x, w, [2, 16, 16, 8], 2, 'same'),
  ),
  make('conv2dTranspose 3x3 stride 1', [normal(2, 8, 8, 16), normal(3, 3, 8, 16)], (x: T4, w: T4) =>
    tf.conv2dTranspose(x, w, [2, 8, 8, 8], 1, 'same'),
  ),
  make('depthwiseConv2d 3x3', [normal(2, 8, 8, 6), normal(3, 3, 6, 1)], (x: T4, w: T4) =>
    tf.depthwiseConv2d(x, w, 1, 'same'),
  ),
  make('depthwiseConv2d 3x3, multiplier 2', [normal(2, 8, 8, 6), normal(3, 3, 6, 2)], (x: T4, w: T4) =>
    tf.depthwiseConv2d(x, w, 1, 'same'),
  ),
  make('separableConv2d', [normal(2, 8, 8, 8), normal(3, 3, 8, 1), normal(1, 1, 8, 12)], (x: T4, d: T4, p: T4) =>
    tf.separableConv2d(x, d, p, 1, 'same'),
  ),
  make('conv1d', [normal(2, 20, 8), normal(3, 8, 8)], (x: tf.Tensor3D, w: tf.Tensor3D) => tf.conv1d(x, w, 1, 'same')),
  make('conv3d', [normal(2, 5, 6, 6, 4), normal(3, 3, 3, 4, 5)], (x: T5, w: T5) => tf.conv3d(x, w, 1, 'same')),
  make('conv3d stride 2', [normal(1, 6, 6, 6, 3), normal(3, 3, 3, 3, 4)], (x: T5, w: T5) => tf.conv3d(x, w, 2, 'same')),
  make('conv3dTranspose', [normal(1, 3, 4, 4, 4), normal(2, 2, 2, 5, 4)], (x: T5, w: T5) =>
    tf.conv3dTranspose(x, w, [1, 6, 8, 8, 5], 2, 'same'),
  ),
];

const products = [
  make('matMul', [normal(64, 48), normal(48, 33)], (a: T2, b: T2) => tf.matMul(a, b)),
  make('matMul, left transposed', [normal(48, 64), normal(48, 33)], (a: T2, b: T2) => tf.matMul(a, b, true, false)),
  make('matMul, right transposed', [normal(64, 48), normal(33, 48)], (a: T2, b: T2) => tf.matMul(a, b, false, true)),
  make('matMul, both transposed', [normal(48, 64), normal(33, 48)], (a: T2, b: T2) => tf.matMul(a, b, true, true)),
  make('batched matMul', [normal(4, 32, 16), normal(4, 16, 32)], (a: T, b: T) => tf.matMul(a, b)),
  make('batched matMul, batch of one repeated', [normal(4, 32, 16), normal(1, 40, 16)], (a: T, b: T) =>
    tf.matMul(a, b, false, true),
  ),
  make('matMul of channels first, by a batch of one', [normal(4, 16, 32), normal(1, 16, 40)], (a: T, b: T) =>
    tf.matMul(tf.transpose(a, [0, 2, 1]), b),
  ),
  make('batched matMul over two dimensions', [normal(2, 4, 32, 16), normal(2, 4, 32, 16)], (a: T, b: T) =>
    tf.matMul(a, b, false, true),
  ),
  make('matMul of transposed images', [normal(2, 4, 4, 6), normal(6, 5)], (x: T4, w: T2) =>
    tf.matMul(tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [32, 6]), w),
  ),
  make('einsum of matrices', [normal(4, 6), normal(6, 5)], (a: T, b: T) => tf.einsum('ij,jk->ki', a, b)),
  make('einsum of batches, with sums of one operand', [normal(2, 4, 6, 3), normal(2, 5, 6)], (a: T, b: T) =>
    tf.square(tf.einsum('bijs,bkj->bik', a, b)),
  ),
  make('einsum of one operand', [normal(3, 4, 5)], (a: T) => tf.square(tf.einsum('abc->cb', a))),
  make('dot', [normal(16), normal(16)], (a: T, b: T) => tf.dot(a, b)),
];

const GELU_SCALE = Math.SQRT1_2;
const elementwise = [
  ...(
    [
      'sigmoid',
      'tanh',
      'relu',
      'elu',
      'selu',
      'softplus',
      'relu6',
      'sin',
      'cos',
      'atan',
      'sinh',
      'cosh',
      'asinh',
      'abs',
    ] as const
  ).map((name) => make(name, [normal(2, 5, 7, 3)], (x: T) => tf[name](x))),
  ...(['exp', 'log', 'sqrt', 'rsqrt', 'reciprocal', 'square', 'log1p', 'expm1', 'tan'] as const).map((name) =>
    make(name, [positive(6, 7)], (x: T) => tf[name](x)),
  ),
  ...(['neg', 'sign', 'floor', 'ceil', 'round', 'step'] as const).map((name) =>
    makeForward(name, [normal(6, 7)], (x: T) => tf[name](x)),
  ),
  ...(['asin', 'acos', 'atanh'] as const).map((name) =>
    make(name, [positive(6, 7)], (x: T) => tf[name](tf.mul(x, 0.5))),
  ),
  make('acosh', [positive(6, 7)], (x: T) => tf.acosh(tf.add(x, 1))),
  make('onesLike', [normal(4, 9)], (x: T) => tf.add(x, tf.onesLike(x))),
  make('leakyRelu', [normal(4, 9)], (x: T) => tf.leakyRelu(x, 0.3)),
  make('prelu', [normal(2, 4, 4, 8), normal(8)], (x: T, a: T) => tf.prelu(x, a)),
  make('gelu', [normal(4, 9)], (x: T) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, GELU_SCALE))))),
  make('pow', [positive(8, 8), positive(8, 8)], (x: T, y: T) => tf.pow(x, y)),
  make('div, broadcast', [normal(4, 8, 8, 16), positive(16)], (x: T, y: T) => tf.div(x, y)),
  make('mul, broadcast inside', [normal(4, 8, 8, 16), positive(4, 1, 1, 16)], (x: T, y: T) => tf.mul(x, y)),
  make('sub, broadcast both ways', [normal(4, 1, 3), normal(1, 5, 3)], (x: T, y: T) => tf.sub(x, y)),
  make('maximum and minimum', [normal(8, 8), normal(8, 8)], (x: T, y: T) =>
    tf.add(tf.maximum(x, y), tf.minimum(x, tf.mul(y, 2))),
  ),
  make('clipByValue', [normal(8, 8)], (x: T) => tf.clipByValue(x, -0.7, 0.9)),
  make('squaredDifference', [normal(8, 8), normal(8)], (x: T, y: T) => tf.squaredDifference(x, y)),
  make('addN', [normal(4, 5), normal(4, 5), normal(4, 5)], (a: T, b: T, c: T) => tf.addN([a, b, c])),
  make('where', [normal(8, 8), normal(8, 8)], (x: T, y: T) => tf.where(tf.greater(x, y), x, y)),
  make('constants around', [normal(4, 5)], (x: T) => tf.div(tf.sub(3, tf.mul(tf.mul(x, 2), 1.5)), 7)),
  make('mod', [positive(8, 8), positive(8, 8)], (x: T, y: T) => tf.mod(tf.add(x, 0.02), y)),
  makeForward('isFinite', [normal(8, 8)], (x: T) => tf.cast(tf.isFinite(tf.log(x)), 'float32')),
  makeForward('mod and floorDiv', [positive(8, 8), positive(8, 8)], (x: T, y: T) =>
    tf.add(tf.mod(x, y), tf.floorDiv(x, y)),
  ),
  makeForward('comparisons', [normal(8, 8), normal(8, 8)], (x: T, y: T) =>
    tf.addN(
      [tf.greaterEqual(x, y), tf.lessEqual(x, y), tf.less(x, y), tf.equal(x, x), tf.notEqual(x, y)].map((c, i) =>
        tf.mul(tf.cast(c, 'float32'), i + 1),
      ),
    ),
  ),
  makeForward('logical', [normal(8, 8), normal(8, 8)], (x: T, y: T) =>
    tf.cast(tf.logicalOr(tf.logicalAnd(tf.greater(x, 0), tf.greater(y, 0)), tf.logicalNot(tf.less(x, 1))), 'int32'),
  ),
  makeForward('isNaN and isInf', [normal(8, 8)], (x: T) =>
    tf.add(tf.cast(tf.isNaN(tf.log(x)), 'float32'), tf.cast(tf.isInf(tf.div(x, tf.relu(x))), 'float32')),
  ),
];

const reductions = [
  make('softmax', [normal(8, 10)], (x: T) => tf.softmax(x)),
  make('logSoftmax', [normal(8, 10)], (x: T) => tf.logSoftmax(x)),
  make('logSumExp', [normal(4, 10)], (x: T) => tf.logSumExp(x, 1)),
  make('moments', [normal(2, 8, 8, 16)], (x: T) => {
    const { mean, variance } = tf.moments(x, [1, 2], true);
    return tf.add(mean, variance);
  }),
  make('mean, sum and max over pixels', [normal(4, 8, 8, 6)], (x: T) =>
    tf.addN([tf.mean(x, [1, 2]), tf.sum(x, [1, 2]), tf.max(x, [1, 2])]),
  ),
  make('min over the last axis', [normal(4, 9)], (x: T) => tf.min(x, -1)),
  make('mean of everything', [normal(4, 8, 8, 2)], (x: T) => tf.mean(tf.square(x))),
  make('prod', [positive(4, 5)], (x: T) => tf.prod(x, 1)),
  make('sum over a repeated dimension', [normal(1, 5)], (x: T) => tf.sum(tf.tile(tf.mul(x, 2), [3, 1]), 0)),
  make('norm', [normal(4, 10)], (x: T) => tf.norm(x)),
  make('cumsum', [normal(4, 6, 3)], (x: T) => tf.cumsum(x, 1)),
  makeForward('argMax and argMin', [normal(4, 10)], (x: T) => tf.add(tf.argMax(x, 1), tf.argMin(x, 1))),
  makeForward('all and any', [normal(6, 2)], (x: T) =>
    tf.add(tf.cast(tf.all(tf.greater(x, 0), 1), 'int32'), tf.cast(tf.any(tf.greater(x, 0), 1), 'int32')),
  ),
  make('layer norm', [normal(4, 8, 12), normal(12), normal(12)], (x: T, gamma: T, beta: T) => {
    const { mean, variance } = tf.moments(x, [-1], true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gamma), beta);
  }),
];

const shapes = [
  make('reshape across channels', [normal(2, 4, 4, 6)], (x: T) => tf.square(tf.reshape(x, [2, 16, 3, 2]))),
  make('transpose', [normal(2, 8, 6, 5)], (x: T) => tf.square(tf.transpose(x, [0, 3, 1, 2]))),
  make('pixel shuffle', [normal(2, 4, 4, 8)], (x: T) =>
    tf.reshape(tf.transpose(tf.reshape(x, [2, 4, 4, 2, 2, 2]), [0, 1, 3, 2, 4, 5]), [2, 8, 8, 2]),
  ),
  make('concat of channels', [normal(2, 8, 8, 6), normal(2, 8, 8, 5)], (x: T, y: T) => tf.square(tf.concat([x, y], 3))),
  make('split', [normal(2, 8, 8, 6)], (x: T) => {
    const [a, b] = tf.split(x, [2, 4], 3);
    return tf.mul(tf.sum(a ?? x, 3, true), b ?? x);
  }),
  make('slice', [normal(2, 8, 8, 16)], (x: T) => tf.square(tf.slice(x, [0, 1, 1, 2], [2, 5, 6, 7]))),
  make('stack and unstack', [normal(8, 5), normal(8, 5)], (x: T, y: T) => {
    const [a, b] = tf.unstack(tf.stack([x, y], 1), 1);
    return tf.mul(a ?? x, b ?? y);
  }),
  make('stack of images first', [normal(2, 3, 4), normal(2, 3, 4)], (x: T, y: T) => tf.square(tf.stack([x, y]))),
  make('pad', [normal(2, 8, 8, 3)], (x: T4) =>
    tf.pad(
      x,
      [
        [0, 0],
        [1, 1],
        [2, 1],
        [0, 0],
      ],
      0.5,
    ),
  ),
  ...(['reflect', 'symmetric'] as const).map((mode) =>
    make(`mirrorPad ${mode}`, [normal(2, 8, 8, 4)], (x: T4) =>
      tf.square(
        tf.mirrorPad(
          x,
          [
            [0, 0],
            [1, 2],
            [3, 1],
            [0, 0],
          ],
          mode,
        ),
      ),
    ),
  ),
  make('reverse of every axis', [normal(3, 4)], (x: T) => tf.mul(tf.reverse(x), x)),
  make('reverse', [normal(2, 8, 6, 5)], (x: T4) => tf.reverse(x, [1, 2])),
  make('tile', [normal(2, 4, 5)], (x: T) => tf.square(tf.tile(x, [2, 1, 3]))),
  make('broadcastTo', [normal(1, 8, 1)], (x: T) => tf.broadcastTo(x, [4, 8, 5])),
  make('expandDims and squeeze', [normal(4, 5)], (x: T) => tf.squeeze(tf.square(tf.expandDims(x, 1)))),
];

const indexing = [
  make('gather of rows', [normal(50, 6), index(50, 16)], (e: T, i: T) => tf.gather(e, i)),
  make('gather along axis 1', [normal(4, 20, 8), index(20, 16)], (e: T, i: T) => tf.gather(e, i, 1)),
  make('unsortedSegmentSum', [normal(16, 8), index(5, 16)], (x: T, i: T) =>
    tf.unsortedSegmentSum(x, tf.reshape(i, [16]), 5),
  ),
  make('gatherND', [normal(4, 5, 6), index(4, 7, 2)], (x: T, i: T) => tf.square(tf.gatherND(x, tf.cast(i, 'int32')))),
  make('scatterND', [normal(7, 6), index(4, 7, 2)], (x: T, i: T) =>
    tf.square(tf.scatterND(tf.cast(i, 'int32'), x, [4, 5, 6])),
  ),
  makeForward('oneHot', [index(6, 9)], (i: T) => tf.oneHot(tf.cast(i, 'int32'), 6, 0.9, 0.1, 'float32')),
];

/** alignCorners and halfPixelCenters; tfjs allows one of them. */
const RESIZE_RULES: readonly { name: string; rule: [boolean, boolean] }[] = [
  { name: 'corners', rule: [false, false] },
  { name: 'aligned corners', rule: [true, false] },
  { name: 'half-pixel centres', rule: [false, true] },
];

const images = [
  make('resizeNearestNeighbor by 2', [normal(2, 5, 6, 3)], (x: T4) =>
    tf.square(tf.image.resizeNearestNeighbor(x, [10, 12])),
  ),
  ...RESIZE_RULES.flatMap(({ name, rule }) => [
    make(`resizeNearestNeighbor, ${name}`, [normal(2, 5, 6, 3)], (x: T4) =>
      tf.square(tf.image.resizeNearestNeighbor(x, [7, 4], ...rule)),
    ),
    make(`resizeNearestNeighbor by 3 and 1, ${name}`, [normal(2, 5, 6, 3)], (x: T4) =>
      tf.image.resizeNearestNeighbor(x, [15, 6], ...rule),
    ),
    make(`resizeBilinear, ${name}`, [normal(2, 5, 6, 3)], (x: T4) =>
      tf.square(tf.image.resizeBilinear(x, [8, 4], ...rule)),
    ),
  ]),
  make('avgPool 2x2', [normal(2, 8, 8, 3)], (x: T4) => tf.square(tf.avgPool(x, 2, 2, 'same'))),
  make('avgPool 3x3, stride 2, same', [normal(2, 8, 7, 3)], (x: T4) => tf.square(tf.avgPool(x, 3, 2, 'same'))),
  make('avgPool 3x3, stride 1, padded', [normal(2, 6, 7, 3)], (x: T4) => tf.square(tf.avgPool(x, 3, 1, 1))),
  make('maxPool 3x2, stride 2 and 1, same', [normal(2, 8, 7, 3)], (x: T4) => tf.maxPool(x, [3, 2], [2, 1], 'same')),
  make('maxPool 3x3, stride 2, padded', [normal(2, 7, 8, 3)], (x: T4) => tf.maxPool(x, 3, 2, 1, 'floor')),
  make('maxPool of equal numbers', [normal(2, 8, 8, 3)], (x: T4) => tf.maxPool(tf.relu(tf.sub(x, 1)), 3, 2, 'valid')),
  make('avgPool3d, overlapping', [normal(1, 5, 6, 7, 2)], (x: T5) => tf.avgPool3d(x, 3, 2, 'same')),
  make('avgPool3d 2x2x2', [normal(1, 4, 6, 2, 2)], (x: T5) => tf.avgPool3d(x, 2, 2, 'valid')),
  make('maxPool3d, overlapping', [normal(1, 5, 6, 7, 2)], (x: T5) => tf.maxPool3d(x, 3, 2, 'same')),
  make('maxPool 2x2', [normal(2, 8, 8, 3)], (x: T4) => tf.square(tf.maxPool(x, 2, 2, 'same'))),
];

type T1 = tf.Tensor1D;

const layers = [
  make('layer conv2d, dilation 2', [normal(2, 9, 8, 3), normal(4, 3, 3, 3), normal(4)], (x: T4, w: T4, b: T1) =>
    convolve(x, w, b, { dilation: 2, padding: 2 }),
  ),
  make('layer conv2d, 2 groups', [normal(2, 6, 7, 6), normal(4, 3, 3, 3), normal(4)], (x: T4, w: T4, b: T1) =>
    convolve(x, w, b, { groups: 2, padding: 1 }),
  ),
  make('layer conv2d, depthwise', [normal(2, 6, 7, 3), normal(6, 1, 3, 3)], (x: T4, w: T4) =>
    convolve(x, w, undefined, { groups: 3, padding: 1, stride: 2 }),
  ),
  make('layer conv2d, depthwise and dilated', [normal(2, 7, 7, 3), normal(3, 1, 3, 3)], (x: T4, w: T4) =>
    convolve(x, w, undefined, { groups: 3, padding: 2, dilation: 2 }),
  ),
  make('layer conv3d', [normal(1, 4, 5, 6, 2), normal(3, 2, 3, 3, 3), normal(3)], (x: T5, w: T5, b: T1) =>
    convolve3d(x, w, b, { padding: 1 }),
  ),
  make('layer conv3d, stride 2', [normal(1, 4, 6, 6, 2), normal(3, 2, 3, 3, 3)], (x: T5, w: T5) =>
    convolve3d(x, w, undefined, { padding: 1, stride: 2 }),
  ),
  make('layer convTranspose2d', [normal(2, 5, 4, 3), normal(3, 2, 3, 3), normal(2)], (x: T4, w: T4, b: T1) =>
    convTranspose2d(x, w, b, { stride: 2, padding: 1, outputPadding: 1 }),
  ),
  make('layer upsampledConv2d', [normal(2, 4, 3, 5), normal(4, 5, 3, 3), normal(4)], (x: T4, w: T4, b: T1) =>
    upsampledConv2d(x, w, b),
  ),
  make('layer convTranspose2d, 2 groups, dilated', [normal(2, 4, 5, 4), normal(4, 3, 2, 3)], (x: T4, w: T4) =>
    convTranspose2d(x, w, undefined, { stride: 2, padding: 1, dilation: 2, groups: 2 }),
  ),
  make('layer convTranspose3d', [normal(1, 3, 4, 2, 3), normal(3, 2, 3, 2, 3), normal(2)], (x: T5, w: T5, b: T1) =>
    convTranspose3d(x, w, b, { stride: 2, padding: 1, outputPadding: 1 }),
  ),
  make('layer conv3d, depthwise, dilated, strided', [normal(1, 7, 6, 8, 2), normal(4, 1, 3, 3, 2)], (x: T5, w: T5) =>
    convolve3d(x, w, undefined, { groups: 2, padding: 2, dilation: 2, stride: 2 }),
  ),
  make('layer silu', [normal(2, 6, 6, 8)], (x: T) => silu(x)),
  make('layer groupNorm', [normal(2, 6, 5, 12), normal(12), normal(12)], (x: T4, gamma: T1, beta: T1) =>
    groupNorm(x, gamma, beta, { groups: 4, epsilon: 1e-5 }),
  ),
  make(
    'layer groupNorm of one group, volumes',
    [normal(2, 3, 4, 5, 6), normal(6), normal(6)],
    (x: T5, gamma: T1, beta: T1) => groupNorm(x, gamma, beta, { groups: 1, epsilon: 1e-3 }),
  ),
  make(
    'layers groupNorm, silu and conv2d',
    [normal(2, 8, 8, 8), normal(8), normal(6, 8, 3, 3), normal(6)],
    (x: T4, gamma: T1, w: T4, b: T1) =>
      convolve(silu(groupNorm(x, gamma, gamma, { groups: 2, epsilon: 1e-5 })), w, b, { padding: 1 }),
  ),
  make('layer conv2d, stride 2', [normal(2, 8, 8, 4), normal(6, 4, 3, 3), normal(6)], (x: T4, w: T4, b: T1) =>
    convolve(x, w, b, { stride: 2, padding: 1 }),
  ),
  make('layer layerNorm', [normal(2, 5, 12), normal(12), normal(12)], (x: T, gamma: T1, beta: T1) =>
    layerNorm(x, gamma, beta),
  ),
  make('layer batchNorm, training', [normal(4, 3, 5, 2), normal(2), normal(2)], (x: T4, gamma: T1, beta: T1) => {
    const { y, runningMean, runningVariance } = batchNormTraining(x, {
      gamma,
      beta,
      runningMean: beta,
      runningVariance: tf.square(gamma),
    });
    return tf.mul(y, tf.add(runningMean, runningVariance));
  }),
  ...(['backward', 'ortho'] as const).map((norm) =>
    make(`layer fft2d and ifft2d, ${norm}`, [normal(2, 5, 6, 2), normal(2, 5, 6, 2)], (real: T4, imaginary: T4) => {
      const spectrum = fft2d({ real, imaginary }, { norm });
      const back = ifft2d({ real: fftShift(spectrum.real), imaginary: tf.square(spectrum.imaginary) }, { norm });
      return tf.concat([back.real, back.imaginary, spectrum.real], 3);
    }),
  ),
  make('layer linear', [normal(4, 3, 7), normal(5, 7), normal(5)], (x: T, w: T2, b: T1) => linear(x, w, b)),
  make('layer attention', [normal(2, 3, 16, 4), normal(2, 3, 12, 4), normal(2, 3, 12, 4)], (q: T4, k: T4, v: T4) =>
    attention(q, k, v),
  ),
  make('layers of resampling', [normal(2, 8, 8, 3)], (x: T4) =>
    tf.add(tf.mul(upsampleNearest2d(avgPool2d(x, 2), 2), x), upsampleNearest2d(maxPool2d(x, 4), 4)),
  ),
  make('layers of resampling in three dimensions', [normal(2, 4, 4, 8, 3)], (x: T5) =>
    tf.mul(upsampleNearest3d(avgPool3d(x, 2), 2), x),
  ),
];

/** Cases of the engine `onnx` on a processor only. */
export const RANDOM_CASES: readonly AgreementCase[] = [
  makeForward('random numbers', [index(2 ** 31, 2), index(2 ** 31, 4)], (key: T, counter: T) =>
    randomUniform({ key, counter }, [3, 7]),
  ),
];

/** Every covered kernel, its gradients included. */
export const AGREEMENT_CASES: readonly AgreementCase[] = [
  ...convolutions,
  ...products,
  ...elementwise,
  ...reductions,
  ...shapes,
  ...indexing,
  ...images,
  ...layers,
];
