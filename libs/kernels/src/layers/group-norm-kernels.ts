import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import { kernel, type RecordedKernel } from '../kernel.js';
import { activation, dense, denseChannelsFirst, plain, type Symbolic } from '../symbolic/symbolic.js';
import { channelArithmetic, overLast, type GroupSizes } from './channel-arithmetic.js';

export const GROUP_NORM = 'TributaryGroupNorm';
export const GROUP_NORM_GRADIENT = 'TributaryGroupNormGradient';

interface Attributes {
  readonly groups: number;
  readonly epsilon: number;
}

function sizesOf(x: Symbolic, groups: number): GroupSizes {
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

/** The four arithmetic operators with the result's shape given, on values of the same rank. */
function arithmetic(g: GraphBuilder) {
  const apply = (op: string) => (a: Value, b: Value, shape: readonly number[]) => g.apply(op, [a, b], { shape });
  return { add: apply('Add'), subtract: apply('Sub'), multiply: apply('Mul'), divide: apply('Div') };
}

/** Forward: outputs y, and the mean and 1 / sqrt(variance + epsilon) of every group, [batch, groups, 1]. */
function forward(
  g: GraphBuilder,
  { x, gamma, beta }: { x: Symbolic; gamma: Symbolic; beta: Symbolic },
  { groups, epsilon }: Attributes,
): Symbolic[] {
  const { add, subtract, multiply: times, divide } = arithmetic(g);
  const sizes = sizesOf(x, groups);
  const perGroup = [sizes.batch, groups, 1];
  const perChannel = [sizes.batch, groups, sizes.perGroup];
  const image = denseChannelsFirst(g, x);
  const channels = channelArithmetic(g, image, sizes);
  const rows = channels.read(image);
  const { mean, variance } = channels.moments(rows);
  const standardDeviation = g.apply('Sqrt', [add(variance, g.scalar(epsilon), perGroup)], { shape: perGroup });
  const inverse = divide(g.scalar(1), standardDeviation, perGroup);
  const scale = times(g.reshape(dense(g, gamma, [0]), [1, groups, sizes.perGroup]), inverse, perChannel);
  const offset = g.reshape(dense(g, beta, [0]), [1, groups, sizes.perGroup]);
  const shift = subtract(offset, times(mean, scale, perChannel), perChannel);
  const y = channels.write(channels.change(rows, { scale, shift }));
  return [activation(y), plain(mean), plain(inverse)];
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
  const sizes = sizesOf(inputs.x, groups);
  const { batch, pixels } = sizes;
  const perGroup = [batch, groups, 1];
  const perChannel = [batch, groups, sizes.perGroup];
  const image = denseChannelsFirst(g, inputs.x);
  const channels = channelArithmetic(g, image, sizes);
  const x = channels.read(image);
  const dy = channels.read(denseChannelsFirst(g, inputs.dy));
  const mean = dense(g, inputs.mean, [0, 1, 2]);
  const inverse = dense(g, inputs.inverse, [0, 1, 2]);
  const gamma = g.reshape(dense(g, inputs.gamma, [0]), [1, groups, sizes.perGroup]);
  const ofExamples = (value: Value) => g.reshape(value, [batch, sizes.channels]);
  const overBatch = (value: Value) =>
    g.apply('ReduceSum', [ofExamples(value), g.int64([0])], { shape: [sizes.channels], attributes: { keepdims: 0 } });
  const sumDy = channels.sums(dy);
  const sumDyX = channels.dots(dy, x);
  const sumDyNormalised = times(subtract(sumDyX, times(mean, sumDy, perChannel), perChannel), inverse, perChannel);
  const meanOf = (value: Value) =>
    times(overLast(g, 'ReduceSum', times(value, gamma, perChannel)), g.scalar(1 / (sizes.perGroup * pixels)), perGroup);
  const slope = times(times(inverse, inverse, perGroup), meanOf(sumDyNormalised), perGroup);
  const offset = subtract(times(mean, slope, perGroup), times(inverse, meanOf(sumDy), perGroup), perGroup);
  const negativeSlope = g.apply('Neg', [slope], { shape: perGroup });
  const perChannelOf = (value: Value) => g.expand(value, perChannel);
  const fromX = channels.change(x, { scale: perChannelOf(negativeSlope), shift: perChannelOf(offset) });
  const dx = channels.change(dy, { scale: times(gamma, inverse, perChannel), plus: fromX });
  return [
    activation(channels.write(dx)),
    plain(overBatch(sumDyNormalised)),
    plain(overBatch(sumDy)),
    plain(ofExamples(sumDyNormalised)),
    plain(ofExamples(sumDy)),
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
