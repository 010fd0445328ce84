import * as tf from '@tensorflow/tfjs-core';
import { at, positiveAxis, range } from '@tributary/onnx-graph';
import { mirrorIndices } from '@tributary/kernels';
import { gradient, listGradient, need } from './gradient.js';

/** Sums the `repeats` copies of every element that `tile` made. */
function untile(dy: tf.Tensor, shape: readonly number[], repeats: readonly number[]): tf.Tensor {
  const split = shape.flatMap((size, axis) => [at(repeats, axis), size]);
  return tf.sum(
    tf.reshape(dy, split),
    range(shape.length).map((axis) => 2 * axis),
  );
}

function inverse(permutation: readonly number[]): number[] {
  return range(permutation.length).map((axis) => permutation.indexOf(axis));
}

/** The gradient of a gather along `axis` of a tensor of `shape`: rows of dy added up by index. */
function scatterRows(
  dy: tf.Tensor,
  { shape, indices, axis }: { shape: readonly number[]; indices: tf.Tensor; axis: number },
): tf.Tensor {
  const gathered = range(indices.rank).map((i) => axis + i);
  const others = range(dy.rank).filter((i) => !gathered.includes(i));
  const rows = axis === 0 ? dy : tf.transpose(dy, [...gathered, ...others]);
  const flat = tf.reshape(rows, [indices.size, ...shape.filter((_, i) => i !== axis)]);
  const sums = tf.unsortedSegmentSum(flat, tf.reshape(indices, [indices.size]), at(shape, axis));
  const order = range(shape.length).map((i) => (i === axis ? 0 : i < axis ? i + 1 : i));
  return axis === 0 ? sums : tf.transpose(sums, order);
}

/** Every mirrored element's gradient goes back to the element that it mirrors. */
function foldMirrors(dy: tf.Tensor, { paddings, mode }: tf.MirrorPadAttrs): tf.Tensor {
  return paddings.reduce((folded, padding, axis) => {
    const size = at(folded.shape, axis) - padding[0] - padding[1];
    if (size === folded.shape[axis]) return folded;
    const indices = tf.tensor1d(mirrorIndices(size, padding, mode), 'int32');
    return scatterRows(folded, { shape: folded.shape.with(axis, size), indices, axis });
  }, dy);
}

const toSame = (name: string, input = 'x') =>
  gradient(name, { inputs: [input] }, ({ dy, saved }) => ({ [input]: () => tf.reshape(dy, need(saved, 0).shape) }));

export const shapeGradients: readonly tf.GradConfig[] = [
  toSame('Reshape'),
  toSame('ExpandDims', 'input'),
  gradient('Identity', {}, ({ dy }) => ({ x: () => tf.clone(dy) })),
  gradient('Cast', {}, ({ dy }) => ({ x: () => tf.cast(dy, 'float32') })),
  gradient<tf.TransposeAttrs>('Transpose', {}, ({ dy, attributes }) => ({
    x: () => tf.transpose(dy, inverse(attributes.perm)),
  })),
  gradient<tf.TileAttrs>('Tile', { inputs: ['x'] }, ({ dy, saved, attributes }) => ({
    x: () => untile(dy, need(saved, 0).shape, attributes.reps),
  })),
  gradient<tf.PadV2Attrs>('PadV2', { inputs: ['x'] }, ({ dy, saved, attributes }) => {
    const begin = attributes.paddings.map(([before]) => before);
    return { x: () => tf.slice(dy, begin, need(saved, 0).shape) };
  }),
  gradient<tf.MirrorPadAttrs>('MirrorPad', {}, ({ dy, attributes }) => ({ x: () => foldMirrors(dy, attributes) })),
  gradient<tf.SliceAttrs>('Slice', { inputs: ['x'] }, ({ dy, saved, attributes }) => {
    const x = need(saved, 0);
    const [begin = [], size = []] = tf.slice_util.parseSliceParams(x, attributes.begin, attributes.size);
    const paddings = x.shape.map((whole, i): [number, number] => [at(begin, i), whole - at(begin, i) - at(size, i)]);
    return { x: () => tf.pad(dy, paddings) };
  }),
  gradient<tf.ReverseAttrs>('Reverse', {}, ({ dy, attributes }) => ({ x: () => tf.reverse(dy, attributes.dims) })),
  gradient<tf.SplitVAttrs>('SplitV', {}, ({ dys, attributes }) => ({ x: () => tf.concat([...dys], attributes.axis) })),
  gradient<tf.UnpackAttrs>('Unpack', {}, ({ dys, attributes }) => ({
    value: () => tf.stack([...dys], attributes.axis),
  })),
  listGradient<tf.PackAttrs>('Pack', ({ dy, saved, attributes }) => {
    const parts = tf.unstack(dy, attributes.axis);
    return saved.map((_, i) => () => need(parts, i));
  }),
  listGradient<tf.ConcatAttrs>('Concat', ({ dy, saved, attributes }) => {
    const axis = positiveAxis(attributes.axis, dy.rank);
    const parts = tf.split(
      dy,
      saved.map((input) => at(input.shape, axis)),
      axis,
    );
    return parts.map((part) => () => part);
  }),
  gradient<tf.GatherV2Attrs>('GatherV2', { inputs: ['x', 'indices'] }, ({ dy, saved, attributes }) => {
    const x = need(saved, 0);
    const indices = need(saved, 1);
    const axis = at(tf.util.parseAxisParam(attributes.axis, x.shape), 0);
    return { x: () => scatterRows(dy, { shape: x.shape, indices, axis }), indices: () => tf.zeros(indices.shape) };
  }),
  gradient('GatherNd', { inputs: ['params', 'indices'] }, ({ dy, saved }) => {
    const [params, indices] = [need(saved, 0), need(saved, 1)];
    const toInt = () => tf.cast(indices, 'int32');
    return { params: () => tf.scatterND(toInt(), dy, params.shape), indices: () => tf.zeros(indices.shape) };
  }),
  gradient('ScatterNd', { inputs: ['indices'] }, ({ dy, saved }) => {
    const indices = need(saved, 0);
    return { updates: () => tf.gatherND(dy, tf.cast(indices, 'int32')), indices: () => tf.zeros(indices.shape) };
  }),
  gradient('UnsortedSegmentSum', { inputs: ['segmentIds'] }, ({ dy, saved }) => ({
    x: () => tf.gather(dy, tf.cast(need(saved, 0), 'int32')),
    segmentIds: () => tf.zeros(need(saved, 0).shape),
  })),
];
