import * as tf from '@tensorflow/tfjs-core';
import { fromInput, fromOutput, gradient, listGradient, need, unbroadcast, zeroGradient } from './gradient.js';

const BOTH = { inputs: ['a', 'b'] };
const isTrue = (condition: tf.Tensor) => tf.cast(condition, 'float32');

/** Gradients of both operands, given the factors that multiply dy. */
function binaryGradient(
  kernelName: string,
  da: (a: tf.Tensor, b: tf.Tensor, dy: tf.Tensor) => tf.Tensor,
  db: (a: tf.Tensor, b: tf.Tensor, dy: tf.Tensor) => tf.Tensor,
): tf.GradConfig {
  return gradient(kernelName, BOTH, ({ dy, saved }) => {
    const a = need(saved, 0);
    const b = need(saved, 1);
    return { a: () => unbroadcast(da(a, b, dy), a.shape), b: () => unbroadcast(db(a, b, dy), b.shape) };
  });
}

/** log of the base where it is positive, else 0: d(0^b)/db is taken as 0. */
const safeLog = (a: tf.Tensor) => tf.where(tf.greater(a, 0), tf.log(tf.maximum(a, 1e-38)), tf.zerosLike(a));

const binaryGradients = [
  binaryGradient(
    'Add',
    (_a, _b, dy) => dy,
    (_a, _b, dy) => dy,
  ),
  binaryGradient(
    'Sub',
    (_a, _b, dy) => dy,
    (_a, _b, dy) => tf.neg(dy),
  ),
  binaryGradient(
    'Multiply',
    (_a, b, dy) => tf.mul(dy, b),
    (a, _b, dy) => tf.mul(dy, a),
  ),
  binaryGradient(
    'RealDiv',
    (_a, b, dy) => tf.div(dy, b),
    (a, b, dy) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b))),
  ),
  binaryGradient(
    'Maximum',
    (a, b, dy) => tf.mul(dy, isTrue(tf.greaterEqual(a, b))),
    (a, b, dy) => tf.mul(dy, isTrue(tf.less(a, b))),
  ),
  binaryGradient(
    'Minimum',
    (a, b, dy) => tf.mul(dy, isTrue(tf.lessEqual(a, b))),
    (a, b, dy) => tf.mul(dy, isTrue(tf.greater(a, b))),
  ),
  binaryGradient(
    'Pow',
    (a, b, dy) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    (a, b, dy) => tf.mul(dy, tf.mul(tf.pow(a, b), safeLog(a))),
  ),
  binaryGradient(
    'SquaredDifference',
    (a, b, dy) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (a, b, dy) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  ),
];

const smoothGradients = [
  fromInput('Square', (x) => tf.mul(x, 2)),
  fromInput('Log', (x) => tf.reciprocal(x)),
  fromInput('Log1p', (x) => tf.reciprocal(tf.add(x, 1))),
  fromInput('Erf', (x) => tf.mul(2 / Math.sqrt(Math.PI), tf.exp(tf.neg(tf.square(x))))),
  fromInput('Sin', (x) => tf.cos(x)),
  fromInput('Cos', (x) => tf.neg(tf.sin(x))),
  fromInput('Asin', (x) => tf.rsqrt(tf.sub(1, tf.square(x)))),
  fromInput('Acos', (x) => tf.neg(tf.rsqrt(tf.sub(1, tf.square(x))))),
  fromInput('Atan', (x) => tf.reciprocal(tf.add(1, tf.square(x)))),
  fromInput('Sinh', (x) => tf.cosh(x)),
  fromInput('Cosh', (x) => tf.sinh(x)),
  fromInput('Asinh', (x) => tf.rsqrt(tf.add(tf.square(x), 1))),
  fromInput('Acosh', (x) => tf.rsqrt(tf.sub(tf.square(x), 1))),
  fromInput('Atanh', (x) => tf.reciprocal(tf.sub(1, tf.square(x)))),
  fromInput('Softplus', (x) => tf.sigmoid(x)),
  fromOutput('Exp', (y) => y),
  fromOutput('Expm1', (y) => tf.add(y, 1)),
  fromOutput('Sqrt', (y) => tf.div(0.5, y)),
  fromOutput('Rsqrt', (y) => tf.mul(-0.5, tf.mul(y, tf.square(y)))),
  fromOutput('Reciprocal', (y) => tf.neg(tf.square(y))),
  fromOutput('Tan', (y) => tf.add(tf.square(y), 1)),
  fromOutput('Tanh', (y) => tf.sub(1, tf.square(y))),
  fromOutput('Sigmoid', (y) => tf.mul(y, tf.sub(1, y))),
];

const SELU_ALPHA = 1.7580993408473768;
const SELU_SCALE = 1.0507009873554805;

const piecewiseGradients = [
  fromInput('Abs', (x) => tf.sign(x)),
  fromInput('Relu', (x) => tf.step(x)),
  fromInput('Relu6', (x) => isTrue(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6)))),
  fromOutput('Elu', (y) => tf.add(tf.minimum(y, 0), 1)),
  fromOutput('Selu', (y) => tf.where(tf.greater(y, 0), tf.fill(y.shape, SELU_SCALE), tf.add(y, SELU_ALPHA))),
  gradient<tf.LeakyReluAttrs>('LeakyRelu', { inputs: ['x'] }, ({ dy, saved, attributes }) => ({
    x: () => tf.mul(dy, tf.step(need(saved, 0), attributes.alpha)),
  })),
  gradient('Prelu', { inputs: ['x', 'alpha'] }, ({ dy, saved }) => {
    const x = need(saved, 0);
    const alpha = need(saved, 1);
    return {
      x: () => tf.where(tf.greater(x, 0), dy, tf.mul(dy, alpha)),
      alpha: () => unbroadcast(tf.mul(dy, tf.minimum(x, 0)), alpha.shape),
    };
  }),
  gradient<tf.ClipByValueAttrs>('ClipByValue', { inputs: ['x'] }, ({ dy, saved, attributes }) => {
    const x = need(saved, 0);
    const { clipValueMin, clipValueMax } = attributes;
    const isInside = tf.logicalAnd(tf.greaterEqual(x, clipValueMin), tf.lessEqual(x, clipValueMax));
    return { x: () => tf.mul(dy, isTrue(isInside)) };
  }),
  gradient('Select', { inputs: ['condition'] }, ({ dy, saved }) => {
    const condition = need(saved, 0);
    return {
      condition: () => tf.zeros(condition.shape),
      t: () => tf.where(condition, dy, tf.zerosLike(dy)),
      e: () => tf.where(condition, tf.zerosLike(dy), dy),
    };
  }),
];

export const elementwiseGradients: readonly tf.GradConfig[] = [
  ...binaryGradients,
  ...smoothGradients,
  ...piecewiseGradients,
  gradient('Neg', {}, ({ dy }) => ({ x: () => tf.neg(dy) })),
  listGradient('AddN', ({ dy, saved }) => saved.map(() => () => tf.clone(dy))),
  ...['Sign', 'Floor', 'Ceil', 'Round', 'Step', 'ZerosLike', 'OnesLike', 'LogicalNot', 'IsNan', 'IsInf'].map((name) =>
    zeroGradient(name, ['x']),
  ),
  ...['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr', 'FloorDiv'].map(
    (name) => zeroGradient(name, ['a', 'b']),
  ),
];
