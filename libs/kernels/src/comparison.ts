import { backend_util } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '@tributary/onnx-graph';
import { broadcastApply, unary } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { reshapeSymbolic } from './symbolic/reshape.js';
import { fill, fillValue, symbolic, type Symbolic } from './symbolic/symbolic.js';

const COMPARISONS = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  LogicalAnd: 'And',
  LogicalOr: 'Or',
} as const;

function compare(g: GraphBuilder, op: string, [a, b]: readonly [Symbolic, Symbolic]): Symbolic {
  const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
  return broadcastApply(g, op, { operands: [a, b], shape, type: 'bool' });
}

/** A condition of lower rank selects whole rows, as in `tf.where`. */
function select(g: GraphBuilder, condition: Symbolic, [t, e]: readonly [Symbolic, Symbolic]): Symbolic {
  const missing = Math.max(0, t.shape.length - condition.shape.length);
  const rows = reshapeSymbolic(g, condition, [...condition.shape, ...new Array<number>(missing).fill(1)]);
  return broadcastApply(g, 'Where', { operands: [rows, t, e], shape: t.shape, type: t.type });
}

/** IsNaN and IsInf of a constant are known; ONNX Runtime lacks them for integers, and GPUs may take numbers for finite. */
function classify(g: GraphBuilder, op: string, x: Symbolic): Symbolic {
  if (fillValue(x) !== undefined || x.type !== 'float32') return fill(g, x.shape, { value: 0, type: 'bool' });
  if (g.target.device === 'gpu') throw new RangeError(`${op} cannot be recorded for a GPU`);
  return symbolic(g.apply(op, [x.value], { shape: x.value.shape, type: 'bool' }), x.order, x.shape);
}

export const comparisonKernels: readonly RecordedKernel[] = [
  ...Object.entries(COMPARISONS).map(([name, op]) => kernel(name, ['a', 'b'], (g, { a, b }) => compare(g, op, [a, b]))),
  kernel('NotEqual', ['a', 'b'], (g, { a, b }) => unary(g, 'Not', compare(g, 'Equal', [a, b]))),
  kernel('LogicalNot', ['x'], (g, { x }) => unary(g, 'Not', x)),
  kernel('IsNan', ['x'], (g, { x }) => classify(g, 'IsNaN', x)),
  kernel('IsInf', ['x'], (g, { x }) => classify(g, 'IsInf', x)),
  kernel('IsFinite', ['x'], (g, { x }) => {
    const strange = [classify(g, 'IsNaN', x), classify(g, 'IsInf', x)];
    return unary(g, 'Not', broadcastApply(g, 'Or', { operands: strange, shape: x.shape, type: 'bool' }));
  }),
  kernel('Select', ['condition', 't', 'e'], (g, { condition, t, e }) => select(g, condition, [t, e])),
];
