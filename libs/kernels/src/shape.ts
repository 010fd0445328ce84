import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product } from '@tributary/onnx-graph';
import { cast } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { reshapeSymbolic } from './symbolic/reshape.js';
import { dense, fill, relabel, symbolic, type Symbolic } from './symbolic/symbolic.js';
import { elementType } from './symbolic/element-type.js';

function expandDims(g: GraphBuilder, x: Symbolic, dim: number): Symbolic {
  const shape = [...x.shape];
  shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
  return reshapeSymbolic(g, x, shape);
}

function tile(g: GraphBuilder, x: Symbolic, repeats: readonly number[]): Symbolic {
  const shape = x.shape.map((size, axis) => size * at(repeats, axis));
  const isBroadcast = x.order.every((axis, k) => repeats[axis] === 1 || x.value.shape[k] === 1);
  if (isBroadcast) return relabel(x, shape);
  const counts = x.order.map((axis) => at(repeats, axis));
  const physical = x.order.map((axis) => at(shape, axis));
  return symbolic(g.apply('Tile', [dense(g, x, x.order), g.int64(counts)], { shape: physical }), x.order, shape);
}

/** Moves no data: only the order of dimensions changes. */
function transpose(x: Symbolic, permutation: readonly number[]): Symbolic {
  return symbolic(
    x.value,
    x.order.map((axis) => permutation.indexOf(axis)),
    permutation.map((axis) => at(x.shape, axis)),
  );
}

export const shapeKernels: readonly RecordedKernel[] = [
  kernel('Identity', ['x'], (_, { x }) => x),
  kernel('Cast', ['x'], (g, { x }, { dtype }: tf.CastAttrs) => cast(g, x, elementType(dtype))),
  kernel('Reshape', ['x'], (g, { x }, { shape }: tf.ReshapeAttrs) =>
    reshapeSymbolic(g, x, tf.util.inferFromImplicitShape(shape, product(x.shape))),
  ),
  kernel('ExpandDims', ['input'], (g, { input }, { dim }: tf.ExpandDimsAttrs) => expandDims(g, input, dim)),
  kernel('Transpose', ['x'], (_, { x }, { perm }: tf.TransposeAttrs) => transpose(x, perm)),
  kernel('Tile', ['x'], (g, { x }, { reps }: tf.TileAttrs) => tile(g, x, reps)),
  kernel('Fill', [], (g, _, { shape, value, dtype }: tf.FillAttrs) =>
    fill(g, shape, { value: Number(value), type: elementType(dtype) }),
  ),
  kernel('ZerosLike', ['x'], (g, { x }) => fill(g, x.shape, { value: 0, type: x.type })),
  kernel('OnesLike', ['x'], (g, { x }) => fill(g, x.shape, { value: 1, type: x.type })),
];
