import {
  at,
  type ElementType,
  equalShapes,
  type GraphBuilder,
  product,
  range,
  type Value,
} from '@tributary/onnx-graph';

/**
 * What a tensor is while recording: a graph value and how it is laid out.
 *
 * tfjs sees `shape` (NHWC); the value keeps the dimensions in `order`: physical dimension k holds logical dimension
 * `order[k]`. A physical size of 1 where the logical size is larger is a broadcast that has not been carried out.
 * Transposes and broadcasts therefore cost nothing until an operator needs them done.
 */
export interface Symbolic {
  readonly value: Value;
  readonly order: readonly number[];
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** The physical order of activations that tfjs sees as [batch, …, channels]: [batch, channels, …]. */
export const channelsFirst = (rank: number): number[] => [0, rank - 1, ...range(rank - 2).map((i) => i + 1)];

/** A value whose dimension `k` is the logical dimension `order[k]` of `shape`. */
export function symbolic(value: Value, order: readonly number[], shape: readonly number[]): Symbolic {
  return { value, order, shape, type: value.type };
}

/** A value whose dimensions are in logical order. */
export function plain(value: Value): Symbolic {
  return symbolic(value, range(value.shape.length), value.shape);
}

/** One number repeated over a shape. */
export function fill(
  g: GraphBuilder,
  shape: readonly number[],
  content: { value: number; type: ElementType },
): Symbolic {
  const ones = shape.map(() => 1);
  return symbolic(g.constant([content.value], ones, content.type), range(shape.length), shape);
}

export function fillFloat(g: GraphBuilder, value: number, shape: readonly number[] = []): Symbolic {
  return fill(g, shape, { value, type: 'float32' });
}

/** The number that a constant repeats, or undefined when it is no such constant. */
export function fillValue(s: Symbolic): number | undefined {
  return s.value.data && s.type !== 'bool' && product(s.value.shape) === 1 ? s.value.data[0] : undefined;
}

/** The value with its dimensions in `order`, broadcasts left undone. */
export function arrange(g: GraphBuilder, s: Symbolic, order: readonly number[]): Value {
  return g.transpose(
    s.value,
    order.map((axis) => s.order.indexOf(axis)),
  );
}

/** The value with its dimensions in `order`, at full size. */
export function dense(g: GraphBuilder, s: Symbolic, order: readonly number[]): Value {
  return g.expand(
    arrange(g, s, order),
    order.map((axis) => at(s.shape, axis)),
  );
}

/** The value in logical order at full size. */
export function denseInOrder(g: GraphBuilder, s: Symbolic): Value {
  return dense(g, s, range(s.shape.length));
}

/** An activation [batch, …, channels] as a value [batch, channels, …]. */
export function denseChannelsFirst(g: GraphBuilder, s: Symbolic): Value {
  return dense(g, s, channelsFirst(s.shape.length));
}

/** A value [batch, channels, …] as the activation [batch, …, channels]. */
export function activation(value: Value): Symbolic {
  const [batch = 0, channels = 0, ...size] = value.shape;
  return symbolic(value, channelsFirst(value.shape.length), [batch, ...size, channels]);
}

/** The same value under another shape of the same rank: dimensions of physical size 1 may be given any size. */
export function relabel(s: Symbolic, shape: readonly number[]): Symbolic {
  return equalShapes(s.shape, shape) ? s : { ...s, shape: [...shape] };
}

/** Prepends dimensions of size 1 up to `rank`. */
export function padRank(g: GraphBuilder, s: Symbolic, rank: number): Symbolic {
  const added = rank - s.shape.length;
  if (added === 0) return s;
  const ones = new Array<number>(added).fill(1);
  return symbolic(
    g.reshape(s.value, [...ones, ...s.value.shape]),
    [...range(added), ...s.order.map((axis) => axis + added)],
    [...ones, ...s.shape],
  );
}

/** Removes logical dimensions of size 1. */
export function dropDimensions(g: GraphBuilder, s: Symbolic, axes: readonly number[]): Symbolic {
  const kept = range(s.shape.length).filter((axis) => !axes.includes(axis));
  const value = g.reshape(
    s.value,
    s.value.shape.filter((_, k) => !axes.includes(at(s.order, k))),
  );
  const order = s.order.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis));
  return symbolic(
    value,
    order,
    kept.map((axis) => at(s.shape, axis)),
  );
}
