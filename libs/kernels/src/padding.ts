import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, range } from '@tributary/onnx-graph';
import { kernel, type RecordedKernel } from './kernel.js';
import { dense, symbolic, type Symbolic } from './symbolic/symbolic.js';

function pad(g: GraphBuilder, x: Symbolic, { paddings, constantValue }: tf.PadV2Attrs): Symbolic {
  const shape = x.shape.map((size, axis) => size + at(paddings, axis)[0] + at(paddings, axis)[1]);
  const amounts = [0, 1].flatMap((side) => x.order.map((axis) => at(at(paddings, axis), side)));
  const extra = constantValue === 0 ? [] : [g.constant([constantValue], [], x.type)];
  const physical = x.order.map((axis) => at(shape, axis));
  const value = g.apply('Pad', [dense(g, x, x.order), g.int64(amounts), ...extra], { shape: physical });
  return symbolic(value, x.order, shape);
}

/** The elements that stand at the places of a mirrored row: `reflect` mirrors at its outermost elements, `symmetric` at its edges. */
export function mirrorIndices(
  size: number,
  [before, after]: readonly [number, number],
  mode: tf.MirrorPadAttrs['mode'],
): number[] {
  const skipped = mode === 'reflect' ? 1 : 0;
  const left = range(before).map((i) => before - 1 - i + skipped);
  const right = range(after).map((i) => size - 1 - i - skipped);
  return [...left, ...range(size), ...right];
}

function mirrorPad(g: GraphBuilder, x: Symbolic, { paddings, mode }: tf.MirrorPadAttrs): Symbolic {
  return paddings.reduce((s, padding, axis) => {
    const indices = mirrorIndices(at(s.shape, axis), padding, mode);
    if (indices.length === s.shape[axis]) return s;
    const place = s.order.indexOf(axis);
    const value = dense(g, s, s.order);
    const gathered = g.apply('Gather', [value, g.int64(indices)], {
      shape: value.shape.with(place, indices.length),
      attributes: { axis: place },
    });
    return symbolic(gathered, s.order, s.shape.with(axis, indices.length));
  }, x);
}

/** A slice with step -1; the end is beyond the first element, as ONNX asks for. */
function reverse(g: GraphBuilder, x: Symbolic, axes: readonly number[]): Symbolic {
  const places = axes.map((axis) => x.order.indexOf(axis)).filter((k) => at(x.value.shape, k) > 1);
  if (places.length === 0) return x;
  const all = (value: number) => g.int64(places.map(() => value));
  const inputs = [x.value, all(-1), all(-(2 ** 31)), g.int64(places), all(-1)];
  return symbolic(g.apply('Slice', inputs, { shape: x.value.shape }), x.order, x.shape);
}

export const paddingKernels: readonly RecordedKernel[] = [
  kernel('PadV2', ['x'], (g, { x }, attributes: tf.PadV2Attrs) => pad(g, x, attributes)),
  kernel('MirrorPad', ['x'], (g, { x }, attributes: tf.MirrorPadAttrs) => mirrorPad(g, x, attributes)),
  kernel('Reverse', ['x'], (g, { x }, { dims }: tf.ReverseAttrs) =>
    reverse(g, x, tf.util.parseAxisParam(dims, [...x.shape])),
  ),
];
