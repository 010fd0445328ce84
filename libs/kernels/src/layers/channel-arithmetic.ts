import { type GraphBuilder, MICROSOFT, product, type Value } from '@tributary/onnx-graph';
import {
  blocksBehind,
  changeChannels,
  dotPixels,
  fromBlocks,
  meanPixels,
  shiftBehind,
  toBlocks,
} from '../blocked-layout.js';
import { multiply } from '../matrix-product.js';

/** Sizes of one normalisation: B examples, G groups of C / G channels, P pixels. */
export interface GroupSizes {
  readonly batch: number;
  readonly channels: number;
  readonly groups: number;
  readonly perGroup: number;
  readonly pixels: number;
  /** [batch, channels, …]. */
  readonly shape: readonly number[];
}

/** What is done to every channel: R = B · C numbers each of `scale` and `shift`, and another image. */
export interface ChannelNumbers {
  readonly scale: Value;
  readonly shift?: Value;
  readonly plus?: Value;
}

/** What a normalisation does with images, as they lie in memory. Numbers a channel are [B, G, C / G], numbers a group [B, G, 1]. */
export interface ChannelArithmetic {
  /** An image [batch, channels, …] in the layout of the others here. */
  read(image: Value): Value;
  write(image: Value): Value;
  /** Mean and variance of every group. */
  moments(x: Value): { readonly mean: Value; readonly variance: Value };
  /** Σ x over the pixels of every channel. */
  sums(x: Value): Value;
  /** Σ a b over the pixels of every channel. */
  dots(a: Value, b: Value): Value;
  /** scale · x + shift + plus. */
  change(x: Value, numbers: ChannelNumbers): Value;
}

/** For an image `x` and those of its size: in the blocked layout when `x` is in it already. */
export function channelArithmetic(g: GraphBuilder, x: Value, sizes: GroupSizes): ChannelArithmetic {
  return sizes.shape.length === 4 && blocksBehind(g, x) ? blocked(g, sizes) : plain(g, sizes);
}

/** The mean or sum over the last dimension, which stays with size 1. */
export function overLast(g: GraphBuilder, op: 'ReduceSum' | 'ReduceMean', value: Value): Value {
  const axis = value.shape.length - 1;
  const shape = [...value.shape.slice(0, -1), 1];
  return g.apply(op, [value, g.int64([axis])], { shape, attributes: { keepdims: 1 } });
}

/**
 * Rows of pixels [B · C, P]. The variance is taken from the deviations (two passes): E[x²] - E[x]² loses all digits when the
 * mean is large.
 */
function plain(g: GraphBuilder, { batch, channels, groups, perGroup, pixels, shape }: GroupSizes): ChannelArithmetic {
  const perChannel = [batch, groups, perGroup];
  return {
    read: (image) => g.reshape(image, [batch * channels, pixels]),
    write: (rows) => g.reshape(rows, shape),
    moments: (rows) => {
      const count = perGroup * pixels;
      const grouped = g.reshape(rows, [batch, groups, count]);
      const mean = overLast(g, 'ReduceMean', grouped);
      const deviation = g.apply('Sub', [grouped, mean], { shape: grouped.shape });
      const squares = dotRows(g, [deviation, deviation], [batch, groups, 1]);
      return { mean, variance: g.apply('Mul', [squares, g.scalar(1 / count)], { shape: squares.shape }) };
    },
    sums: (rows) => g.reshape(overLast(g, 'ReduceSum', rows), perChannel),
    dots: (a, b) => dotRows(g, [a, b], perChannel),
    change: (rows, numbers) => scaleAndShift(g, rows, numbers),
  };
}

/** Σ a b over the last dimension, one number a row: a matrix product reads both once and writes no product of them. */
function dotRows(g: GraphBuilder, [a, b]: readonly [Value, Value], shape: readonly number[]): Value {
  const rows = [product(shape), 1, product(a.shape) / product(shape)];
  const left = g.reshape(a, rows);
  const right = g.reshape(b, rows);
  const dots = multiply(g, { left, right, transposeRight: true, shape: [product(shape), 1, 1] });
  return g.reshape(dots, shape);
}

/**
 * Every row of `rows` [R, n] times a number, plus a number or another row, in one pass: a convolution of R groups of one pixel
 * each, which ONNX Runtime spreads over all threads (its BatchNormalization uses one) and which can add an image at once.
 */
function scaleAndShift(g: GraphBuilder, rows: Value, { scale, shift, plus }: ChannelNumbers): Value {
  const [count = 0, width = 0] = rows.shape;
  if (g.target.device !== 'cpu') {
    const column = (value: Value) => g.reshape(value, [count, 1]);
    const apply = (op: string, a: Value, b: Value) => g.apply(op, [a, b], { shape: rows.shape });
    const scaled = apply('Mul', rows, column(scale));
    const shifted = shift ? apply('Add', scaled, column(shift)) : scaled;
    return plus ? apply('Add', shifted, plus) : shifted;
  }
  const image = [1, count, width, 1];
  const inputs = [
    g.reshape(rows, image),
    g.reshape(scale, [count, 1, 1, 1]),
    shift ? g.reshape(shift, [count]) : g.expand(g.scalar(0, 1), [count]),
    ...(plus ? [g.reshape(plus, image)] : []),
  ];
  const op = plus ? { name: 'FusedConv', domain: MICROSOFT } : { name: 'Conv', domain: '' };
  const attributes = { group: count, kernel_shape: [1, 1] };
  return g.reshape(g.apply(op.name, inputs, { shape: image, attributes, domain: op.domain }), rows.shape);
}

/**
 * Blocked images. The channels' variances are E[x²] - E[x]², as PyTorch takes them of channels that lie innermost; the spread of
 * their means is added exactly: Var = E_c[Var_c + (mean_c - mean)²]. A number that was added to every pixel of a channel (an
 * embedding of the noise level) changes only what is said here of means, so the sum itself need not be made.
 */
function blocked(g: GraphBuilder, { batch, groups, perGroup, pixels }: GroupSizes): ChannelArithmetic {
  const perChannel = [batch, groups, perGroup];
  const apply = (op: string, a: Value, b: Value) => g.apply(op, [a, b], { shape: perChannel });
  const squared = (value: Value) => apply('Mul', value, value);
  const meansOf = (image: Value) => g.reshape(meanPixels(g, image), perChannel);
  const dotsOf = (a: Value, b: Value) => g.reshape(dotPixels(g, a, b), perChannel);
  const shiftOf = (x: Value) => {
    const { image, shift } = shiftBehind(g, x);
    return { image, shift: shift && g.reshape(shift, perChannel) };
  };
  const plus = (value: Value, added: Value | undefined) => (added ? apply('Add', value, added) : value);
  const sums = (x: Value) => apply('Mul', plusShift(x), g.scalar(pixels));
  const plusShift = (x: Value) => {
    const { image, shift } = shiftOf(x);
    return plus(meansOf(image), shift);
  };
  return {
    read: (image) => toBlocks(g, image),
    write: (image) => fromBlocks(g, image),
    moments: (x) => {
      const { image } = shiftOf(x);
      const meanSquares = apply('Mul', dotsOf(image, image), g.scalar(1 / pixels));
      const variances = apply('Max', apply('Sub', meanSquares, squared(meansOf(image))), g.scalar(0));
      const ofChannels = plusShift(x);
      const mean = overLast(g, 'ReduceMean', ofChannels);
      const spread = squared(apply('Sub', ofChannels, mean));
      return { mean, variance: overLast(g, 'ReduceMean', apply('Add', variances, spread)) };
    },
    sums,
    dots: (a, b) => {
      const { image, shift } = shiftOf(b);
      return plus(dotsOf(a, image), shift && apply('Mul', sums(a), shift));
    },
    change: (x, numbers) => {
      const { image, shift } = shiftOf(x);
      if (!shift) return changeChannels(g, x, numbers);
      const scaled = apply('Mul', g.reshape(numbers.scale, perChannel), shift);
      const all = numbers.shift ? apply('Add', scaled, g.reshape(numbers.shift, perChannel)) : scaled;
      return changeChannels(g, image, { ...numbers, shift: all });
    },
  };
}
