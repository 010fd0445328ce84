import type * as tf from '@tensorflow/tfjs-core';
import { type GraphBuilder, positiveAxis } from '@tributary/onnx-graph';
import { cast } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { reduce } from './symbolic/reduce.js';
import { dense, dropDimensions, symbolic, type Symbolic } from './symbolic/symbolic.js';

/** An operator along one axis that keeps the shape. */
function along(g: GraphBuilder, op: string, { x, axis }: { x: Symbolic; axis: number }): Symbolic {
  const place = x.order.indexOf(positiveAxis(axis, x.shape.length));
  const value = dense(g, x, x.order);
  return symbolic(g.apply(op, [value], { shape: value.shape, attributes: { axis: place } }), x.order, x.shape);
}

/** exp(x) / Σ exp(x) along one axis, which may be counted from the end. */
export function softmax(g: GraphBuilder, x: Symbolic, axis: number): Symbolic {
  return along(g, 'Softmax', { x, axis });
}

function argument(g: GraphBuilder, op: 'ArgMax' | 'ArgMin', { x, axis }: { x: Symbolic; axis: number }): Symbolic {
  const logical = positiveAxis(axis, x.shape.length);
  const place = x.order.indexOf(logical);
  const value = dense(g, x, x.order);
  const shape = value.shape.map((size, k) => (k === place ? 1 : size));
  const index = g.apply(op, [value], { shape, type: 'int64', attributes: { axis: place, keepdims: 1 } });
  const kept = symbolic(
    index,
    x.order,
    x.shape.map((size, d) => (d === logical ? 1 : size)),
  );
  return cast(g, dropDimensions(g, kept, [logical]), 'int32');
}

function cumulativeSum(g: GraphBuilder, x: Symbolic, { axis, exclusive, reverse }: tf.CumsumAttrs): Symbolic {
  const value = dense(g, x, x.order);
  const place = x.order.indexOf(positiveAxis(axis, x.shape.length));
  const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
  const summed = g.apply('CumSum', [value, g.constant([place], [], 'int64')], { shape: value.shape, attributes });
  return symbolic(summed, x.order, x.shape);
}

/** Whether all or any of the elements are true: the least or largest of zeros and ones. */
function logical(
  g: GraphBuilder,
  op: 'ReduceMin' | 'ReduceMax',
  { x, axis, keepDims }: tf.SumAttrs & { x: Symbolic },
): Symbolic {
  return cast(g, reduce(g, op, { s: cast(g, x, 'int32'), axes: axis, keepDims }), 'bool');
}

export const reductionKernels: readonly RecordedKernel[] = [
  kernel('Sum', ['x'], (g, { x }, { axis, keepDims }: tf.SumAttrs) =>
    reduce(g, 'ReduceSum', { s: x.type === 'bool' ? cast(g, x, 'int32') : x, axes: axis, keepDims }),
  ),
  kernel('Mean', ['x'], (g, { x }, { axis, keepDims }: tf.MeanAttrs) =>
    reduce(g, 'ReduceMean', { s: cast(g, x, 'float32'), axes: axis, keepDims }),
  ),
  kernel('Max', ['x'], (g, { x }, { reductionIndices, keepDims }: tf.MaxAttrs) =>
    reduce(g, 'ReduceMax', { s: x, axes: reductionIndices, keepDims }),
  ),
  kernel('Min', ['x'], (g, { x }, { axis, keepDims }: tf.MinAttrs) =>
    reduce(g, 'ReduceMin', { s: x, axes: axis, keepDims }),
  ),
  kernel('Prod', ['x'], (g, { x }, { axis, keepDims }: tf.ProdAttrs) =>
    reduce(g, 'ReduceProd', { s: x, axes: axis, keepDims }),
  ),
  kernel('All', ['x'], (g, { x }, attributes: tf.SumAttrs) => logical(g, 'ReduceMin', { x, ...attributes })),
  kernel('Any', ['x'], (g, { x }, attributes: tf.SumAttrs) => logical(g, 'ReduceMax', { x, ...attributes })),
  kernel('ArgMax', ['x'], (g, { x }, { axis }: tf.ArgMaxAttrs) => argument(g, 'ArgMax', { x, axis })),
  kernel('ArgMin', ['x'], (g, { x }, { axis }: tf.ArgMaxAttrs) => argument(g, 'ArgMin', { x, axis })),
  kernel('Cumsum', ['x'], (g, { x }, attributes: tf.CumsumAttrs) => cumulativeSum(g, x, attributes)),
  kernel('Softmax', ['logits'], (g, { logits }, { dim }: tf.SoftmaxAttrs) => softmax(g, logits, dim)),
];
