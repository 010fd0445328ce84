import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, MICROSOFT, product, range, type Value } from '@tributary/onnx-graph';
import { multiply } from '../matrix-product.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { dense, plain, symbolic, type Symbolic } from '../symbolic/symbolic.js';

export const GROUP_NORM = 'TributaryGroupNorm';
export const GROUP_NORM_GRADIENT = 'TributaryGroupNormGradient';

interface Attributes {
  readonly groups: number;
  readonly epsilon: number;
}

/** Sizes of one normalisation: B examples, G groups of C / G channels, P pixels. */
interface Sizes {
  readonly batch: number;
  readonly channels: number;
  readonly groups: number;
  readonly perGroup: number;
  readonly pixels: number;
  readonly shape: readonly number[];
}

function sizesOf(x: Symbolic, groups: number): Sizes {
  const batch = at(x.shape, 0);
  const channels = at(x.shape, x.shape.length - 1);
  const spatial = x.shape.slice(1, -1);
  return {
    batch,
    channels,
    groups,
    perGroup: channels / groups,
    pixels: product(spatial),
    shape: [batch, channels, ...spatial],
  };
}

const channelsFirst = (rank: number) => [0, rank - 1, ...range(rank - 2).map((i) => i + 1)];

/** The four arithmetic operators with the result's shape given, on values of the same rank. */
function arithmetic(g: GraphBuilder) {
  const apply = (op: string) => (a: Value, b: Value, shape: readonly number[]) => g.apply(op, [a, b], { shape });
  return { add: apply('Add'), subtract: apply('Sub'), multiply: apply('Mul'), divide: apply('Div') };
}

function sumLast(g: GraphBuilder, value: Value, op: 'ReduceSum' | 'ReduceMean' = 'ReduceSum'): Value {
  const axis = value.shape.length - 1;
  return g.apply(op, [value, g.int64([axis])], {
    shape: [...value.shape.slice(0, -1), 1],
    attributes: { keepdims: 1 },
  });
}

/** Σ a b over the last dimension, one number a row: a matrix product reads both once and writes no product of them. */
function dotRows(g: GraphBuilder, [a, b]: readonly [Value, Value], shape: readonly number[]): Value {
  const rows = [product(shape), 1, product(a.shape) / product(shape)];
  const left = g.reshape(a, rows);
  const right = g.reshape(b, rows);
  const dots = multiply(g, { left, right, transposeRight: true, shape: [product(shape), 1, 1] });
  return g.reshape(dots, shape);
}

/** What is done to every row: R numbers each of `scale` and `shift`, and another matrix of rows. */
interface RowChange {
  readonly scale: Value;
  readonly shift?: Value;
  readonly plus?: Value;
}

/**
 * Every row of `rows` [R, n] times a number, plus a number or another row, in one pass: a convolution of R groups of one pixel
 * each, which ONNX Runtime spreads over all threads (its BatchNormalization uses one) and which can add an image at once.
 */
function scaleAndShift(g: GraphBuilder, rows: Value, { scale, shift, plus }: RowChange): Value {
  const [count = 0, width = 0] = rows.shape;
  if (g.target.device !== 'cpu') {
    const column = (value: Value) => g.reshape(value, [count, 1]);
    const { add, multiply: times } = arithmetic(g);
    const scaled = times(rows, column(scale), rows.shape);
    const shifted = shift ? add(scaled, column(shift), rows.shape) : scaled;
    return plus ? add(shifted, plus, rows.shape) : shifted;
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
 * Forward: outputs y, and the mean and 1 / sqrt(variance + epsilon) of every group, [batch, groups, 1].
 * The variance is taken from the deviations (two passes): E[x²] - E[x]² loses all digits when the mean is large.
 */
function forward(
  g: GraphBuilder,
  { x, gamma, beta }: { x: Symbolic; gamma: Symbolic; beta: Symbolic },
  { groups, epsilon }: Attributes,
): Symbolic[] {
  const { add, subtract, multiply: times, divide } = arithmetic(g);
  const { batch, channels, perGroup, pixels, shape } = sizesOf(x, groups);
  const count = perGroup * pixels;
  const perExample = [batch, groups, 1];
  const perChannel = [batch, groups, perGroup];
  const order = channelsFirst(x.shape.length);
  const grouped = g.reshape(dense(g, x, order), [batch, groups, count]);
  const mean = sumLast(g, grouped, 'ReduceMean');
  const deviation = subtract(grouped, mean, [batch, groups, count]);
  const variance = times(dotRows(g, [deviation, deviation], perExample), g.scalar(1 / count), perExample);
  const standardDeviation = g.apply('Sqrt', [add(variance, g.scalar(epsilon), perExample)], { shape: perExample });
  const inverse = divide(g.scalar(1), standardDeviation, perExample);
  const scale = times(g.reshape(dense(g, gamma, [0]), [1, groups, perGroup]), inverse, perChannel);
  const offset = g.reshape(dense(g, beta, [0]), [1, groups, perGroup]);
  const shift = subtract(offset, times(mean, scale, perChannel), perChannel);
  const y = scaleAndShift(g, g.reshape(grouped, [batch * channels, pixels]), { scale, shift });
  return [symbolic(g.reshape(y, shape), order, x.shape), plain(mean), plain(inverse)];
}

/**
 * Backward in closed form, with x̂ the normalised input and n elements a group:
 * dbeta = Σ dy, dgamma = Σ dy x̂, dx = (gamma dy - Σ(gamma dy) / n - x̂ Σ(gamma dy x̂) / n) / sqrt(variance + epsilon).
 * Both sums over pixels are taken once a channel; dx is then dy and x, each times a number a channel or group, plus one.
 * Outputs dx, dgamma, dbeta, and the shares of every example in the last two, [batch, channels].
 */
function backward(
  g: GraphBuilder,
  inputs: Record<'dy' | 'x' | 'gamma' | 'mean' | 'inverse', Symbolic>,
  { groups }: Attributes,
): Symbolic[] {
  const { subtract, multiply: times } = arithmetic(g);
  const { batch, channels, perGroup, pixels, shape } = sizesOf(inputs.x, groups);
  const perExample = [batch, groups, 1];
  const perChannel = [batch, groups, perGroup];
  const rows = [batch * channels, pixels];
  const order = channelsFirst(inputs.x.shape.length);
  const x = g.reshape(dense(g, inputs.x, order), rows);
  const dy = g.reshape(dense(g, inputs.dy, order), rows);
  const mean = dense(g, inputs.mean, [0, 1, 2]);
  const inverse = dense(g, inputs.inverse, [0, 1, 2]);
  const gamma = g.reshape(dense(g, inputs.gamma, [0]), [1, groups, perGroup]);
  const overBatch = (value: Value) =>
    g.apply('ReduceSum', [g.reshape(value, [batch, channels]), g.int64([0])], {
      shape: [channels],
      attributes: { keepdims: 0 },
    });
  const sumDy = g.reshape(sumLast(g, dy), perChannel);
  const sumDyX = dotRows(g, [dy, x], perChannel);
  const sumDyNormalised = times(subtract(sumDyX, times(mean, sumDy, perChannel), perChannel), inverse, perChannel);
  const meanOf = (value: Value) =>
    times(sumLast(g, times(value, gamma, perChannel)), g.scalar(1 / (perGroup * pixels)), perExample);
  const slope = times(times(inverse, inverse, perExample), meanOf(sumDyNormalised), perExample);
  const offset = subtract(times(mean, slope, perExample), times(inverse, meanOf(sumDy), perExample), perExample);
  const negativeSlope = g.apply('Neg', [slope], { shape: perExample });
  const perChannelOf = (value: Value) => g.expand(value, perChannel);
  const fromX = scaleAndShift(g, x, { scale: perChannelOf(negativeSlope), shift: perChannelOf(offset) });
  const dx = scaleAndShift(g, dy, { scale: times(gamma, inverse, perChannel), plus: fromX });
  return [
    symbolic(g.reshape(dx, shape), order, inputs.x.shape),
    plain(overBatch(sumDyNormalised)),
    plain(overBatch(sumDy)),
    plain(g.reshape(sumDyNormalised, [batch, channels])),
    plain(g.reshape(sumDy, [batch, channels])),
  ];
}

export const groupNormKernels: readonly RecordedKernel[] = [
  {
    ...kernel(GROUP_NORM, ['x', 'gamma', 'beta'], (g, inputs, attributes: Attributes) =>
      forward(g, inputs, attributes),
    ),
    gradient: {
      inputsToSave: ['x', 'gamma'],
      outputsToSave: [false, true, true],
      gradFunc: (dys, saved, attributes) => {
        const [x, gamma, mean, inverse] = saved;
        const [dy] = [dys].flat();
        if (!x || !gamma || !mean || !inverse || !dy) throw new RangeError('groupNorm gradient: missing operands');
        const gradients = tf
          .engine()
          .runKernel<tf.Tensor[]>(GROUP_NORM_GRADIENT, { dy, x, gamma, mean, inverse }, attributes);
        return { x: () => at(gradients, 0), gamma: () => at(gradients, 1), beta: () => at(gradients, 2) };
      },
    },
  },
  kernel(GROUP_NORM_GRADIENT, ['dy', 'x', 'gamma', 'mean', 'inverse'], (g, inputs, attributes: Attributes) =>
    backward(g, inputs, attributes),
  ),
];
