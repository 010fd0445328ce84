import type * as tf from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '@tributary/onnx-graph';
import { binary, broadcastApply, cast, unary } from './symbolic/elementwise.js';
import { kernel, listKernel, type RecordedKernel } from './kernel.js';
import { SELU_ALPHA, SELU_SCALE } from './selu.js';
import { fill, fillFloat, type Symbolic } from './symbolic/symbolic.js';

/** tfjs kernels of two operands and their ONNX operators. */
const BINARY = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
  Pow: 'Pow',
} as const;

/** tfjs kernels of one operand that ONNX has under the same name. */
const UNARY = [
  ...'Abs Neg Sign Floor Ceil Round Reciprocal Sqrt Exp Log Erf Sigmoid Relu Elu Softplus'.split(' '),
  ...'Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh'.split(' '),
];

const square = (g: GraphBuilder, x: Symbolic) => binary(g, 'Mul', [x, x]);

/** `alpha` where x <= 0 and 1 elsewhere. */
function step(g: GraphBuilder, x: Symbolic, alpha: number): Symbolic {
  const positive = broadcastApply(g, 'Greater', {
    operands: [x, fill(g, [], { value: 0, type: x.type })],
    shape: x.shape,
    type: 'bool',
  });
  const indicator = cast(g, positive, 'float32');
  if (alpha === 0) return indicator;
  return binary(g, 'Add', [binary(g, 'Mul', [indicator, fillFloat(g, 1 - alpha)]), fillFloat(g, alpha)]);
}

/** Floor of a quotient; integers are divided in float32, exact below 2^24. */
function floorDivide(g: GraphBuilder, a: Symbolic, b: Symbolic): Symbolic {
  const quotient = binary(g, 'Div', [cast(g, a, 'float32'), cast(g, b, 'float32')]);
  return cast(g, unary(g, 'Floor', quotient), a.type);
}

export const arithmeticKernels: readonly RecordedKernel[] = [
  ...Object.entries(BINARY).map(([name, op]) => kernel(name, ['a', 'b'], (g, { a, b }) => binary(g, op, [a, b]))),
  ...UNARY.map((name) => kernel(name, ['x'], (g, { x }) => unary(g, name, x))),
  kernel('Square', ['x'], (g, { x }) => square(g, x)),
  kernel('SquaredDifference', ['a', 'b'], (g, { a, b }) => square(g, binary(g, 'Sub', [a, b]))),
  kernel('Rsqrt', ['x'], (g, { x }) => unary(g, 'Reciprocal', unary(g, 'Sqrt', x))),
  kernel('Expm1', ['x'], (g, { x }) => binary(g, 'Sub', [unary(g, 'Exp', x), fillFloat(g, 1)])),
  kernel('Log1p', ['x'], (g, { x }) => unary(g, 'Log', binary(g, 'Add', [x, fillFloat(g, 1)]))),
  kernel('Relu6', ['x'], (g, { x }) => binary(g, 'Min', [unary(g, 'Relu', x), fillFloat(g, 6)])),
  kernel('Selu', ['x'], (g, { x }) =>
    unary(g, 'Selu', x, { alpha: { float: SELU_ALPHA / SELU_SCALE }, gamma: { float: SELU_SCALE } }),
  ),
  kernel('LeakyRelu', ['x'], (g, { x }, { alpha }: tf.LeakyReluAttrs) =>
    unary(g, 'LeakyRelu', x, { alpha: { float: alpha } }),
  ),
  kernel('Prelu', ['x', 'alpha'], (g, { x, alpha }) =>
    binary(g, 'Add', [unary(g, 'Relu', x), binary(g, 'Mul', [alpha, binary(g, 'Min', [x, fillFloat(g, 0)])])]),
  ),
  kernel('Step', ['x'], (g, { x }, { alpha }: tf.StepAttrs) => step(g, x, alpha)),
  kernel('ClipByValue', ['x'], (g, { x }, { clipValueMin, clipValueMax }: tf.ClipByValueAttrs) =>
    binary(g, 'Min', [binary(g, 'Max', [x, fillFloat(g, clipValueMin)]), fillFloat(g, clipValueMax)]),
  ),
  kernel('FloorDiv', ['a', 'b'], (g, { a, b }) => floorDivide(g, a, b)),
  kernel('Mod', ['a', 'b'], (g, { a, b }) => binary(g, 'Sub', [a, binary(g, 'Mul', [floorDivide(g, a, b), b])])),
  listKernel('AddN', (g, inputs) => inputs.reduce((sum, x) => binary(g, 'Add', [sum, x]))),
];
