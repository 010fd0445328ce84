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

/**
 * What is done to every channel: a factor and a number of each, and another image. Numbers a group will do where numbers a
 * channel are taken.
 */
export interface ChannelNumbers {
  readonly scale: Value;
  readonly shift?: Value;
  readonly plus?: Value;
}

/** Of every group of an image: x̂ = (x - centre) / sqrt(variance + epsilon), where x is the image as it is kept. */
export interface GroupMoments {
  /** Numbers a channel or a group. */
  readonly centre: Value;
  /** Numbers a channel or a group, >= 0. */
  readonly variance: Value;
}

/**
 * What a normalisation does with an image and others of its size, as they lie in memory. Numbers a channel, numbers a group and
 * parameters have shapes that ONNX broadcasts to that of numbers a channel.
 */
export interface ChannelArithmetic {
  /** The image in the layout of the others here, as it is kept: without a number that was added to every pixel of a channel. */
  readonly image: Value;
  /** Another image [batch, channels, …] in this layout. */
  read(image: Value): Value;
  write(image: Value): Value;
  /** Numbers a channel of a parameter [channels]. */
  parameter(value: Value): Value;
  moments(): GroupMoments;
  /** The mean over the channels of every group, times a factor. */
  groupMeans(numbers: Value, factor: number): Value;
  /** Σ x over the pixels of every channel. */
  sums(x: Value): Value;
  /** Σ a b over the pixels of every channel. */
  dots(a: Value, b: Value): Value;
  /** scale · x + shift + plus. */
  change(x: Value, numbers: ChannelNumbers): Value;
}

/** For an image `x` and those of its size: in the blocked layout when `x` is in it already. */
export function channelArithmetic(g: GraphBuilder, x: Value, sizes: GroupSizes): ChannelArithmetic {
  const blocks = sizes.shape.length === 4 ? blocksBehind(g, x) : undefined;
  return blocks ? blocked(g, blocks, sizes) : plain(g, x, sizes);
}

/** The mean or sum over the last dimension, which stays with size 1. */
function overLast(g: GraphBuilder, op: 'ReduceSum' | 'ReduceMean', value: Value): Value {
  const axis = value.shape.length - 1;
  const shape = [...value.shape.slice(0, -1), 1];
  return g.apply(op, [value, g.int64([axis])], { shape, attributes: { keepdims: 1 } });
}

/**
 * Rows of pixels [B · C, P]; numbers a channel are [B, G, C / G], numbers a group [B, G, 1]. The variance is taken from the
 * deviations (two passes): E[x²] - E[x]² loses all digits when the mean is large.
 */
function plain(g: GraphBuilder, x: Value, sizes: GroupSizes): ChannelArithmetic {
  const { batch, channels, groups, perGroup, pixels, shape } = sizes;
  const perChannel = [batch, groups, perGroup];
  const read = (image: Value) => g.reshape(image, [batch * channels, pixels]);
  const scaled = (value: Value, factor: number) => g.apply('Mul', [value, g.scalar(factor)], { shape: value.shape });
  const ofChannels = (value: Value) => g.reshape(g.expand(value, perChannel), [batch * channels]);
  return {
    image: read(x),
    read,
    write: (rows) => g.reshape(rows, shape),
    parameter: (value) => g.reshape(value, [1, groups, perGroup]),
    moments: () => {
      const count = perGroup * pixels;
      const grouped = g.reshape(x, [batch, groups, count]);
      const centre = overLast(g, 'ReduceMean', grouped);
      const deviation = g.apply('Sub', [grouped, centre], { shape: grouped.shape });
      return { centre, variance: scaled(dotRows(g, [deviation, deviation], [batch, groups, 1]), 1 / count) };
    },
    groupMeans: (numbers, factor) => scaled(overLast(g, 'ReduceSum', numbers), factor / perGroup),
    sums: (rows) => g.reshape(overLast(g, 'ReduceSum', rows), perChannel),
    dots: (a, b) => dotRows(g, [a, b], perChannel),
    change: (rows, { scale, shift, plus }) =>
      scaleAndShift(g, rows, { scale: ofChannels(scale), shift: shift && ofChannels(shift), plus }),
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
    shift ?? g.expand(g.scalar(0, 1), [count]),
    ...(plus ? [g.reshape(plus, image)] : []),
  ];
  const op = plus ? { name: 'FusedConv', domain: MICROSOFT } : { name: 'Conv', domain: '' };
  const attributes = { group: count, kernel_shape: [1, 1] };
  return g.reshape(g.apply(op.name, inputs, { shape: image, attributes, domain: op.domain }), rows.shape);
}

/**
 * Blocked images; all numbers are [B, C]. The variance is E[x² - 2 x centre + centre²], from the sums of x and x² of every channel,
 * as PyTorch takes it of channels that lie innermost. Of a number that was added to every pixel of a channel (an embedding
 * of the noise level) only the centre knows, so the sum itself need not be made.
 */
function blocked(g: GraphBuilder, x: Value, sizes: GroupSizes): ChannelArithmetic {
  const { batch, channels, pixels } = sizes;
  const shape = [batch, channels];
  const apply = (op: string, a: Value, b: Value) => g.apply(op, [a, b], { shape });
  const meansOf = (image: Value) => g.reshape(meanPixels(g, image), shape);
  const dots = (a: Value, b: Value) => g.reshape(dotPixels(g, a, b), shape);
  const groupMeans = (numbers: Value, factor: number) => averages(g, numbers, { sizes, factor });
  const { image, shift } = shiftBehind(g, x);
  const added = shift && g.reshape(shift, shape);
  return {
    image,
    read: (other) => toBlocks(g, other),
    write: (other) => fromBlocks(g, other),
    parameter: (value) => value,
    moments: () => {
      const means = meansOf(image);
      const mean = groupMeans(added ? apply('Add', means, added) : means, 1);
      const centre = added ? apply('Sub', mean, added) : mean;
      const meanSquares = apply('Mul', dots(image, image), g.scalar(1 / pixels));
      const others = apply('Mul', centre, apply('Sub', centre, apply('Mul', means, g.scalar(2))));
      const variance = groupMeans(apply('Add', meanSquares, others), 1);
      return { centre, variance: apply('Max', variance, g.scalar(0)) };
    },
    groupMeans,
    sums: (other) => apply('Mul', meansOf(other), g.scalar(pixels)),
    dots,
    change: (other, numbers) => changeChannels(g, other, numbers),
  };
}

/** Means over groups [B, C]: one product with a matrix, where a reduction would need other shapes before and behind. */
function averages(
  g: GraphBuilder,
  numbers: Value,
  { sizes, factor }: { readonly sizes: GroupSizes; readonly factor: number },
): Value {
  const { channels, perGroup } = sizes;
  const matrix = g.namedConstant(`averages over ${perGroup} of ${channels}`, [channels, channels], () =>
    Float32Array.from({ length: channels ** 2 }, (_, i) => {
      const isSameGroup = Math.floor(i / channels / perGroup) === Math.floor((i % channels) / perGroup);
      return isSameGroup ? 1 / perGroup : 0;
    }),
  );
  const attributes = { alpha: { float: factor } };
  return g.apply('FusedMatMul', [numbers, matrix], { shape: numbers.shape, attributes, domain: MICROSOFT });
}
