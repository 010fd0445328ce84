import type { ElementType, Value } from './graph.js';

/** Operators that ONNX (operator set 18) has for floating point only. */
const FLOAT_ONLY: ReadonlySet<string> = new Set([
  ...'Exp Log Sqrt Reciprocal Floor Ceil Round Sigmoid Tanh Erf Elu Selu LeakyRelu Softplus Softmax'.split(' '),
  ...'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh'.split(' '),
  ...'Conv ConvTranspose FusedMatMul AveragePool'.split(' '),
]);
const ARITHMETIC = 'Add Sub Mul Div Max Min Neg Abs'.split(' ');
/** Operators that have no meaning for truth values. */
const NUMERIC: ReadonlySet<string> = new Set([...ARITHMETIC, 'Pow']);
/** Operators whose operands are all of one type, from this one on. */
const ONE_TYPE_FROM: ReadonlyMap<string, number> = new Map([
  ...[...ARITHMETIC, 'Concat', 'MatMul'].map((op) => [op, 0] as const),
  ['Where', 1],
]);

const isFloat = (type: ElementType) => type === 'float32' || type === 'float16';

/**
 * Refuses operands that ONNX Runtime would refuse when it loads the graph, where nobody can tell any more who made them.
 * @throws TypeError naming operator and types.
 */
export function checkOperandTypes(op: string, inputs: readonly (Value | undefined)[]): void {
  const types = inputs.flatMap((input) => (input ? [input.type] : []));
  const refused = types.find((type) => (FLOAT_ONLY.has(op) && !isFloat(type)) || (NUMERIC.has(op) && type === 'bool'));
  if (refused) throw new TypeError(`${op} does not take ${refused}; cast it first`);
  const alike = new Set(types.slice(ONE_TYPE_FROM.get(op) ?? types.length));
  if (alike.size > 1) throw new TypeError(`${op} does not mix ${[...alike].join(' and ')}; cast one of them first`);
}
