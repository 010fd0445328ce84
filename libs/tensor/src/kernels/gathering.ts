import { util, type GatherV2Attrs, type OneHotAttrs, type UnsortedSegmentSumAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { DATA_TYPE } from '../onnx/encode-model.js';
import { at, product, range } from '../graph/shapes.js';
import { elementType } from '../recorder/element-type.js';
import { binary, broadcastApply, cast } from '../recorder/elementwise.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { reshapeSymbolic } from '../recorder/reshape.js';
import { denseInOrder, fill, plain, type Symbolic } from '../recorder/symbolic.js';

/** Up to this many cells, a sum over segments is a product with a one-hot matrix, which runs in parallel. */
const ONE_HOT_CELLS = 2 ** 20;

function gather(
  g: GraphBuilder,
  { x, indices }: { x: Symbolic; indices: Symbolic },
  attributes: GatherV2Attrs,
): Symbolic {
  if (attributes.batchDims) throw new RangeError('gather: batchDims cannot be recorded');
  const axis = at(util.parseAxisParam(attributes.axis, [...x.shape]), 0);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const inputs = [denseInOrder(g, x), denseInOrder(g, indices)];
  return plain(g.apply('Gather', inputs, { shape, attributes: { axis } }));
}

function segmentSum(
  g: GraphBuilder,
  { x, segmentIds }: { x: Symbolic; segmentIds: Symbolic },
  { numSegments }: UnsortedSegmentSumAttrs,
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

type GraphValue = Symbolic['value'];

function oneHotRows(g: GraphBuilder, ids: GraphValue, depth: number): GraphValue {
  const count = product(ids.shape);
  const classes = g.constant(range(depth), [depth, 1], 'int32');
  const equal = g.apply('Equal', [g.reshape(ids, [1, count]), classes], { shape: [depth, count], type: 'bool' });
  return g.apply('Cast', [equal], { shape: [depth, count], type: 'float32', attributes: { to: DATA_TYPE.float32 } });
}

function scatterAdd(
  g: GraphBuilder,
  { ids, rows, shape }: { ids: GraphValue; rows: GraphValue; shape: readonly number[] },
): GraphValue {
  const zeros = g.expand(g.scalar(0, shape.length), shape);
  const indices = g.apply('Cast', [ids], { shape: ids.shape, type: 'int64', attributes: { to: DATA_TYPE.int64 } });
  return g.apply('ScatterND', [zeros, indices, rows], { shape, attributes: { reduction: 'add' } });
}

function oneHot(g: GraphBuilder, indices: Symbolic, attributes: OneHotAttrs): Symbolic {
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
  kernel('GatherV2', ['x', 'indices'], (g, inputs, attributes: GatherV2Attrs) => gather(g, inputs, attributes)),
  kernel('UnsortedSegmentSum', ['x', 'segmentIds'], (g, inputs, attributes: UnsortedSegmentSumAttrs) =>
    segmentSum(g, inputs, attributes),
  ),
  kernel('OneHot', ['indices'], (g, { indices }, attributes: OneHotAttrs) => oneHot(g, indices, attributes)),
];
