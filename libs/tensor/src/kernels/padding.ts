import type { MirrorPadAttrs, PadV2Attrs, ReverseAttrs } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { at } from '../graph/shapes.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { dense, symbolic, type Symbolic } from '../recorder/symbolic.js';

type Paddings = readonly (readonly [number, number])[];

function pad(
  g: GraphBuilder,
  x: Symbolic,
  { paddings, mode, constant }: { paddings: Paddings; mode: 'constant' | 'reflect'; constant: number },
): Symbolic {
  const shape = x.shape.map((size, axis) => size + at(paddings, axis)[0] + at(paddings, axis)[1]);
  const amounts = [...x.order.map((axis) => at(paddings, axis)[0]), ...x.order.map((axis) => at(paddings, axis)[1])];
  const extra = constant === 0 ? [] : [g.constant([constant], [], x.type)];
  const value = g.apply('Pad', [dense(g, x, x.order), g.int64(amounts), ...extra], {
    shape: x.order.map((axis) => at(shape, axis)),
    attributes: { mode },
  });
  return symbolic(value, x.order, shape);
}

function mirrorPad(g: GraphBuilder, x: Symbolic, { paddings, mode }: MirrorPadAttrs): Symbolic {
  if (mode === 'reflect') return pad(g, x, { paddings, mode, constant: 0 });
  throw new RangeError('mirrorPad: only the mode reflect can be recorded');
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
  kernel('PadV2', ['x'], (g, { x }, { paddings, constantValue }: PadV2Attrs) =>
    pad(g, x, { paddings, mode: 'constant', constant: constantValue }),
  ),
  kernel('MirrorPad', ['x'], (g, { x }, attributes: MirrorPadAttrs) => mirrorPad(g, x, attributes)),
  kernel('Reverse', ['x'], (g, { x }, { dims }: ReverseAttrs) =>
    reverse(
      g,
      x,
      (typeof dims === 'number' ? [dims] : dims).map((axis) => (axis < 0 ? axis + x.shape.length : axis)),
    ),
  ),
];
