import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, positiveAxis, product, type Value } from '@tributary/onnx-graph';
import { blocksBehind, fromBlocks, toBlocks } from './blocked-layout.js';
import { kernel, listKernel, type RecordedKernel } from './kernel.js';
import { dense, dropDimensions, fill, fillValue, relabel, symbolic, type Symbolic } from './symbolic/symbolic.js';

/** Joins along a logical axis, laid out as the largest part. */
export function concat(g: GraphBuilder, inputs: readonly Symbolic[], axis: number): Symbolic {
  const parts = inputs.filter((s) => product(s.shape) > 0);
  const first = at(parts, 0);
  if (parts.length === 1) return first;
  tf.backend_util.assertParamsConsistent(
    parts.map((s) => [...s.shape]),
    axis,
  );
  const shape = [...first.shape];
  shape[axis] = parts.reduce((size, s) => size + at(s.shape, axis), 0);
  const { order } = parts.reduce((best, s) => (product(s.shape) > product(best.shape) ? s : best));
  const values = parts.map((s) => dense(g, s, order));
  const place = order.indexOf(axis);
  const physical = order.map((d) => at(shape, d));
  const joined = joinBlocks(g, values, { place, shape: physical });
  const join = () => g.apply('Concat', values, { shape: physical, attributes: { axis: place } });
  return symbolic(joined ?? join(), order, shape);
}

interface Joining {
  readonly place: number;
  readonly shape: readonly number[];
}

/** Images joined by channels stay blocked where one of them is and all have whole blocks. */
function joinBlocks(g: GraphBuilder, values: readonly Value[], { place, shape }: Joining): Value | undefined {
  const sizes = values.map((value) => at(value.shape, place));
  if (place !== 1 || !values.some((value) => blocksBehind(g, value)) || !areWholeBlocks(g, sizes)) return undefined;
  const blocks = values.map((value) => toBlocks(g, value));
  return fromBlocks(g, g.apply('Concat', blocks, { shape, attributes: { axis: place } }));
}

function areWholeBlocks({ target }: GraphBuilder, sizes: readonly number[]): boolean {
  const { nchwcBlock = 1 } = target;
  return sizes.every((size) => size % nchwcBlock === 0);
}

/** Stacks along a new axis. The new dimension is stored first, or second after a batch, so that parts stay contiguous. */
function pack(g: GraphBuilder, inputs: readonly Symbolic[], axis: number): Symbolic {
  const first = at(inputs, 0);
  const place = axis === 0 && first.shape.length >= 3 ? 1 : 0;
  const order = first.order.map((d) => (d >= axis ? d + 1 : d));
  order.splice(place, 0, axis);
  const values = inputs.map((s) => {
    const value = dense(g, s, first.order);
    return g.reshape(value, [...value.shape.slice(0, place), 1, ...value.shape.slice(place)]);
  });
  const shape = [...first.shape];
  shape.splice(axis, 0, inputs.length);
  const attributes = { axis: place };
  return symbolic(g.apply('Concat', values, { shape: order.map((d) => at(shape, d)), attributes }), order, shape);
}

/** The part of `x` that starts at `begin` and has `size`. */
export function slice(
  g: GraphBuilder,
  x: Symbolic,
  { begin, size }: { begin: readonly number[]; size: readonly number[] },
): Symbolic {
  const constant = fillValue(x);
  if (constant !== undefined) return fill(g, size, { value: constant, type: x.type });
  const cut = [...x.order.keys()].filter((k) => {
    const axis = at(x.order, k);
    return at(x.value.shape, k) > 1 && at(size, axis) < at(x.shape, axis);
  });
  if (cut.length === 0) return relabel(x, size);
  const starts = cut.map((k) => at(begin, at(x.order, k)));
  const ends = cut.map((k, i) => at(starts, i) + at(size, at(x.order, k)));
  const shape = x.order.map((axis, k) => (x.value.shape[k] === 1 ? 1 : at(size, axis)));
  const value = g.apply('Slice', [x.value, g.int64(starts), g.int64(ends), g.int64(cut)], { shape });
  return symbolic(value, x.order, size);
}

/** Cuts along a logical axis into parts of the given sizes. */
export function split(
  g: GraphBuilder,
  x: Symbolic,
  { sizes, axis }: { sizes: readonly number[]; axis: number },
): Symbolic[] {
  if (sizes.length === 1) return [x];
  const shapes = sizes.map((size) => x.shape.map((whole, d) => (d === axis ? size : whole)));
  const place = x.order.indexOf(axis);
  if (x.value.shape[place] === 1) return shapes.map((shape) => relabel(x, shape));
  if (g.target.device === 'gpu') {
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    return shapes.map((size, i) =>
      slice(g, x, { begin: x.shape.map((_, d) => (d === axis ? at(starts, i) : 0)), size }),
    );
  }
  const outputs = sizes.map((size) => ({
    shape: x.value.shape.map((whole, k) => (k === place ? size : whole)),
    type: x.type,
  }));
  const blocks = place === 1 && areWholeBlocks(g, sizes) ? blocksBehind(g, x.value) : undefined;
  const parts = g.applyMany('Split', [blocks ?? x.value, g.int64(sizes)], { outputs, attributes: { axis: place } });
  return parts.map((part, i) => symbolic(blocks ? fromBlocks(g, part) : part, x.order, at(shapes, i)));
}

/** What tfjs's shape arithmetic asks for; it reads the shape only. */
function shapeInfo(s: Symbolic): tf.TensorInfo {
  return { dataId: {}, dtype: 'float32', shape: [...s.shape] };
}

export const joiningKernels: readonly RecordedKernel[] = [
  listKernel('Concat', (g, inputs, { axis }: tf.ConcatAttrs) =>
    concat(g, inputs, positiveAxis(axis, at(inputs, 0).shape.length)),
  ),
  listKernel('Pack', (g, inputs, { axis }: tf.PackAttrs) =>
    pack(g, inputs, positiveAxis(axis, at(inputs, 0).shape.length + 1)),
  ),
  kernel('Slice', ['x'], (g, { x }, attributes: tf.SliceAttrs) => {
    const [begin = [], size = []] = tf.slice_util.parseSliceParams(shapeInfo(x), attributes.begin, attributes.size);
    tf.slice_util.assertParamsValid(shapeInfo(x), begin, size);
    return slice(g, x, { begin, size });
  }),
  kernel('SplitV', ['x'], (g, { x }, attributes: tf.SplitVAttrs) => {
    const axis = at(tf.util.parseAxisParam(attributes.axis, [...x.shape]), 0);
    const sizes = tf.backend_util.prepareSplitSize(shapeInfo(x), attributes.numOrSizeSplits, axis);
    return split(g, x, { sizes, axis });
  }),
  kernel('Unpack', ['value'], (g, { value }, attributes: tf.UnpackAttrs) => {
    const axis = positiveAxis(attributes.axis, value.shape.length);
    const sizes = new Array<number>(at(value.shape, axis)).fill(1);
    return split(g, value, { sizes, axis }).map((part) => dropDimensions(g, part, [axis]));
  }),
];
