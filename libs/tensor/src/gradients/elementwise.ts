import * as tf from '@tensorflow/tfjs-core';
import { SELU_ALPHA, SELU_SCALE } from '@tributary/kernels';
import { fromSlope, gradient, listGradient, need, unbroadcast, zeroGradient } from './gradient.js';

const isTrue = (condition: tf.Tensor) => tf.cast(condition, 'float32');

/** log of the base where it is positive, else 0: d(0^b)/db is taken as 0. */
const safeLog = (a: tf.Tensor) => tf.where(tf.greater(a, 0), tf.log(tf.maximum(a, 1e-38)), tf.zerosLike(a));

type OperandGradient = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** Gradients of both operands, before the sum over what broadcasting repeated. */
const BINARY: Readonly<Record<string, readonly [OperandGradient, OperandGradient]>> = {
  Add: [(dy) => dy, (dy) => dy],
  Sub: [(dy) => dy, (dy) => tf.neg(dy)],
  Multiply: [(dy, _, b) => tf.mul(dy, b), (dy, a) => tf.mul(dy, a)],
  RealDiv: [(dy, _, b) => tf.div(dy, b), (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b)))],
  Mod: [(dy) => dy, (dy, a, b) => tf.neg(tf.mul(dy, tf.floorDiv(a, b)))],
  Maximum: [(dy, a, b) => tf.mul(dy, isTrue(tf.greaterEqual(a, b))), (dy, a, b) => tf.mul(dy, isTrue(tf.less(a, b)))],
  Minimum: [(dy, a, b) => tf.mul(dy, isTrue(tf.lessEqual(a, b))), (dy, a, b) => tf.mul(dy, isTrue(tf.greater(a, b)))],
  Pow: [
    (dy, a, b) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    (dy, a, b) => tf.mul(dy, tf.mul(tf.pow(a, b), safeLog(a))),
  ],
  SquaredDifference: [
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  ],
};

const binaryGradients = Object.entries(BINARY).map(([kernelName, [da, db]]) =>
  gradient(kernelName, { inputs: ['a', 'b'] }, ({ dy, saved }) => {
    const [a, b] = [need(saved, 0), need(saved, 1)];
    return { a: () => unbroadcast(da(dy, a, b), a.shape), b: () => unbroadcast(db(dy, a, b), b.shape) };
  }),
);

/** dy/dx of smooth functions by their input … */
const SLOPE_OF_INPUT: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  Square: (x) => tf.mul(x, 2),
  Log: (x) => tf.reciprocal(x),
  Log1p: (x) => tf.reciprocal(tf.add(x, 1)),
  Erf: (x) => tf.mul(2 / Math.sqrt(Math.PI), tf.exp(tf.neg(tf.square(x)))),
  Sin: (x) => tf.cos(x),
  Cos: (x) => tf.neg(tf.sin(x)),
  Asin: (x) => tf.rsqrt(tf.sub(1, tf.square(x))),
  Acos: (x) => tf.neg(tf.rsqrt(tf.sub(1, tf.square(x)))),
  Atan: (x) => tf.reciprocal(tf.add(1, tf.square(x))),
  Sinh: (x) => tf.cosh(x),
  Cosh: (x) => tf.sinh(x),
  Asinh: (x) => tf.rsqrt(tf.add(tf.square(x), 1)),
  Acosh: (x) => tf.rsqrt(tf.sub(tf.square(x), 1)),
  Atanh: (x) => tf.reciprocal(tf.sub(1, tf.square(x))),
  Softplus: (x) => tf.sigmoid(x),
  Abs: (x) => tf.sign(x),
  Relu: (x) => tf.step(x),
  Relu6: (x) => isTrue(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6))),
};

/** … and by their output. */
const SLOPE_OF_OUTPUT: Readonly<Record<string, (y: tf.Tensor) => tf.Tensor>> = {
  Exp: (y) => y,
  Expm1: (y) => tf.add(y, 1),
  Sqrt: (y) => tf.div(0.5, y),
  Rsqrt: (y) => tf.mul(-0.5, tf.mul(y, tf.square(y))),
  Reciprocal: (y) => tf.neg(tf.square(y)),
  Tan: (y) => tf.add(tf.square(y), 1),
  Tanh: (y) => tf.sub(1, tf.square(y)),
  Sigmoid: (y) => tf.mul(y, tf.sub(1, y)),
  Elu: (y) => tf.add(tf.minimum(y, 0), 1),
  Selu: (y) => tf.where(tf.greater(y, 0), tf.fill(y.shape, SELU_SCALE), tf.add(y, SELU_ALPHA)),
};

const otherGradients = [
  gradient('Neg', {}, ({ dy }) => ({ x: () => tf.neg(dy) })),
  listGradient('AddN', ({ dy, saved }) => saved.map(() => () => tf.clone(dy))),
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

/** Functions that are constant wherever they have a derivative. */
const CONSTANT_OF_ONE = 'Sign Floor Ceil Round Step ZerosLike OnesLike LogicalNot IsNan IsInf IsFinite'.split(' ');
const CONSTANT_OF_TWO = 'Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr FloorDiv'.split(' ');

export const elementwiseGradients: readonly tf.GradConfig[] = [
  ...binaryGradients,
  ...Object.entries(SLOPE_OF_INPUT).map(([name, slope]) => fromSlope(name, { inputs: ['x'] }, slope)),
  ...Object.entries(SLOPE_OF_OUTPUT).map(([name, slope]) => fromSlope(name, { output: true }, slope)),
  ...otherGradients,
  ...CONSTANT_OF_ONE.map((name) => zeroGradient(name, ['x'])),
  ...CONSTANT_OF_TWO.map((name) => zeroGradient(name, ['a', 'b'])),
];
