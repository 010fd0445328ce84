import { at, type AttributeMap, DATA_TYPE, type ElementType, type GraphBuilder, product } from '@tributary/onnx-graph';
import { applyBlocked } from '../blocked-layout.js';
import { backend_util } from '@tensorflow/tfjs-core';
import { arrange, fill, fillValue, padRank, relabel, symbolic, type Symbolic } from './symbolic.js';

/** Operators of two numbers that are carried out while recording when both are constants. */
const FOLDED: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: Math.pow,
};

/** The same for operators of one number, where the result is rounded the same way everywhere. */
const FOLDED_UNARY: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
};

/** An operator of one operand, applied in whatever layout the operand has. */
export function unary(g: GraphBuilder, op: string, s: Symbolic, attributes?: AttributeMap): Symbolic {
  const constant = fillValue(s);
  const fold = FOLDED_UNARY[op];
  if (constant !== undefined && fold) return fill(g, s.shape, { value: Math.fround(fold(constant)), type: s.type });
  const { shape } = s.value;
  const blocked = applyBlocked(g, op, { values: [s.value], shape, attributes });
  return symbolic(blocked ?? g.apply(op, [s.value], { shape, attributes }), s.order, s.shape);
}

/** The same numbers as another type; constants are converted now, towards zero for int32. */
export function cast(g: GraphBuilder, s: Symbolic, type: ElementType): Symbolic {
  if (s.type === type) return s;
  const constant = fillValue(s);
  if (constant !== undefined) {
    const value = type === 'int32' ? Math.trunc(constant) : type === 'bool' ? Number(constant !== 0) : constant;
    return fill(g, s.shape, { value, type });
  }
  const spec = { shape: s.value.shape, type, attributes: { to: DATA_TYPE[type] } };
  return symbolic(g.apply('Cast', [s.value], spec), s.order, s.shape);
}

/** `a op b` with broadcasting; constants are folded and identities (x + 0, x * 1) vanish. */
export function binary(g: GraphBuilder, op: string, [a, b]: readonly [Symbolic, Symbolic]): Symbolic {
  const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
  const left = padRank(g, a, shape.length);
  const right = padRank(g, b, shape.length);
  return simplify(g, op, { left, right, shape }) ?? broadcastApply(g, op, { operands: [left, right], shape });
}

/** An operator of several operands that broadcast to `shape`; the result is laid out as the largest operand. */
export function broadcastApply(
  g: GraphBuilder,
  op: string,
  call: { operands: readonly Symbolic[]; shape: readonly number[]; type?: ElementType },
): Symbolic {
  const operands = call.operands.map((s) => padRank(g, s, call.shape.length));
  const largest = operands.reduce((best, s) => (product(s.value.shape) > product(best.value.shape) ? s : best));
  const values = operands.map((s) => arrange(g, s, largest.order));
  const physical = largest.order.map((_, k) => Math.max(...values.map((value) => at(value.shape, k))));
  const type = call.type ?? operands.at(-1)?.type;
  const blocked = type === 'float32' ? applyBlocked(g, op, { values, shape: physical }) : undefined;
  return symbolic(blocked ?? g.apply(op, values, { shape: physical, type }), largest.order, call.shape);
}

interface BinaryCall {
  readonly left: Symbolic;
  readonly right: Symbolic;
  readonly shape: readonly number[];
}

function simplify(g: GraphBuilder, op: string, { left, right, shape }: BinaryCall): Symbolic | undefined {
  const a = fillValue(left);
  const b = fillValue(right);
  const type = left.type;
  const fold = FOLDED[op];
  if (a !== undefined && b !== undefined && fold) {
    const exact = fold(a, b);
    const value = type === 'float32' ? Math.fround(exact) : op === 'Div' ? Math.trunc(exact) : exact;
    return fill(g, shape, { value, type });
  }
  if ((b === 1 && (op === 'Mul' || op === 'Div')) || (b === 0 && (op === 'Add' || op === 'Sub')))
    return relabel(left, shape);
  if ((a === 1 && op === 'Mul') || (a === 0 && op === 'Add')) return relabel(right, shape);
  if (op === 'Mul' && (a === 0 || b === 0)) return fill(g, shape, { value: 0, type });
  if (op === 'Div' && b !== undefined && type === 'float32' && isExactReciprocal(b)) {
    return binary(g, 'Mul', [left, fill(g, right.shape, { value: 1 / b, type })]);
  }
  if (op === 'Mul' && a !== undefined) return binary(g, 'Mul', [right, left]);
  return op === 'Mul' && b !== undefined ? mergeFactors(g, left, { factor: b, shape }) : undefined;
}

/** Division by a power of two is multiplication by its exact reciprocal. Other divisors keep their rounding. */
function isExactReciprocal(divisor: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(divisor)));
}

/** `(x * c1) * c2` becomes `x * (c1 * c2)`. */
function mergeFactors(
  g: GraphBuilder,
  s: Symbolic,
  { factor, shape }: { factor: number; shape: readonly number[] },
): Symbolic | undefined {
  const node = g.producer(s.value);
  const [source, constant] = node?.inputs ?? [];
  if (node?.op !== 'Mul' || !source || !constant?.data || constant.data.length !== 1) return undefined;
  if (source.shape.length !== s.order.length) return undefined;
  const merged = fill(
    g,
    s.shape.map(() => 1),
    { value: Math.fround(at(constant.data, 0) * factor), type: s.type },
  );
  return relabel(binary(g, 'Mul', [symbolic(source, s.order, s.shape), merged]), shape);
}
