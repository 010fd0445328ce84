import * as tf from '@tensorflow/tfjs-core';
import { at, DATA_TYPE, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { elementType } from './symbolic/element-type.js';
import { binary, broadcastApply, cast } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { reshapeSymbolic } from './symbolic/reshape.js';
import { denseInOrder, fill, plain, type Symbolic } from './symbolic/symbolic.js';

function toInt64(g: GraphBuilder, value: Value): Value {
  return g.apply('Cast', [value], { shape: value.shape, type: 'int64', attributes: { to: DATA_TYPE.int64 } });
}

/** Up to this many cells, a sum over segments is a product with a one-hot matrix, which runs in parallel. */
const ONE_HOT_CELLS = 2 ** 20;

function gather(
  g: GraphBuilder,
  { x, indices }: { x: Symbolic; indices: Symbolic },
  attributes: tf.GatherV2Attrs,
): Symbolic {
  if (attributes.batchDims) throw new RangeError('gather: batchDims cannot be recorded');
  const axis = at(tf.util.parseAxisParam(attributes.axis, [...x.shape]), 0);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const inputs = [denseInOrder(g, x), denseInOrder(g, indices)];
  return plain(g.apply('Gather', inputs, { shape, attributes: { axis } }));
}

function segmentSum(
  g: GraphBuilder,
  { x, segmentIds }: { x: Symbolic; segmentIds: Symbolic },
  { numSegments }: tf.UnsortedSegmentSumAttrs,
): Symbolic {
  const count = product(segmentIds.shape);
  const width = product(x.shape) / count;
  const rows = g.reshape(denseInOrder(g, x), [count, width]);
  const ids = denseInOrder(g, segmentIds);
  const sums =
    numSegments * count <= ONE_HOT_CELLS
      ? g.apply('MatMul', [oneHotRows(g, ids, numSegments), rows], { shape: [numSegments, width], type: 'float32' })
      : scatterAdd(g, { ids: g.reshape(ids, [count, 1]), rows, shape: [numSegments, width] });
  return plain(g.reshape(sums, [numSegments, ...x.shape.slice(segmentIds.shape.length)]));
}

function oneHotRows(g: GraphBuilder, ids: Value, depth: number): Value {
  const count = product(ids.shape);
  const classes = g.constant(range(depth), [depth, 1], 'int32');
  const equal = g.apply('Equal', [g.reshape(ids, [1, count]), classes], { shape: [depth, count], type: 'bool' });
  return g.apply('Cast', [equal], { shape: [depth, count], type: 'float32', attributes: { to: DATA_TYPE.float32 } });
}

function scatterAdd(
  g: GraphBuilder,
  { ids, rows, shape }: { ids: Value; rows: Value; shape: readonly number[] },
): Value {
  const zero = g.constant(
    [0],
    shape.map(() => 1),
    rows.type,
  );
  const inputs = [g.expand(zero, shape), toInt64(g, ids), rows];
  return g.apply('ScatterND', inputs, { shape, attributes: { reduction: 'add' } });
}

function oneHot(g: GraphBuilder, indices: Symbolic, attributes: tf.OneHotAttrs): Symbolic {
  const { depth, onValue, offValue, dtype } = attributes;
  const type = elementType(dtype);
  const column = reshapeSymbolic(g, indices, [...indices.shape, 1]);
  const classes = plain(g.constant(range(depth), [depth], 'int32'));
  const shape = [...indices.shape, depth];
  const hit = broadcastApply(g, 'Equal', { operands: [column, classes], shape, type: 'bool' });
  const scaled = binary(g, 'Mul', [cast(g, hit, type), fill(g, [], { value: onValue - offValue, type })]);
  return binary(g, 'Add', [scaled, fill(g, [], { value: offValue, type })]);
}

export const gatheringKernels: readonly RecordedKernel[] = [
  kernel('GatherV2', ['x', 'indices'], (g, inputs, attributes: tf.GatherV2Attrs) => gather(g, inputs, attributes)),
  kernel('UnsortedSegmentSum', ['x', 'segmentIds'], (g, inputs, attributes: tf.UnsortedSegmentSumAttrs) =>
    segmentSum(g, inputs, attributes),
  ),
  kernel('GatherNd', ['params', 'indices'], (g, { params, indices }) => {
    const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(indices.shape.at(-1))];
    return plain(g.apply('GatherND', [denseInOrder(g, params), toInt64(g, denseInOrder(g, indices))], { shape }));
  }),
  kernel('ScatterNd', ['indices', 'updates'], (g, { indices, updates }, { shape }: tf.ScatterNdAttrs) =>
    plain(scatterAdd(g, { ids: denseInOrder(g, indices), rows: denseInOrder(g, updates), shape })),
  ),
  kernel('OneHot', ['indices'], (g, { indices }, attributes: tf.OneHotAttrs) => oneHot(g, indices, attributes)),
];
