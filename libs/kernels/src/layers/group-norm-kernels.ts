import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import { kernel, type RecordedKernel } from '../kernel.js';
import { activation, dense, denseChannelsFirst, denseInOrder, plain, type Symbolic } from '../symbolic/symbolic.js';
import { channelArithmetic, type GroupSizes } from './channel-arithmetic.js';

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

/** Arithmetic of numbers a channel and numbers a group, with ONNX's broadcasting. */
function arithmetic(g: GraphBuilder) {
  const apply = (op: string) => (a: Value, b: Value) =>
    g.apply(op, [a, b], { shape: tf.backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]) });
  return { add: apply('Add'), subtract: apply('Sub'), times: apply('Mul'), divide: apply('Div') };
}

/** Forward: outputs y, and what the way back takes from the image and 1 / sqrt(variance + epsilon), numbers a group. */
function forward(
  g: GraphBuilder,
  { x, gamma, beta }: { x: Symbolic; gamma: Symbolic; beta: Symbolic },
  { groups, epsilon }: Attributes,
): Symbolic[] {
  const { add, subtract, times, divide } = arithmetic(g);
  const channels = channelArithmetic(g, denseChannelsFirst(g, x), sizesOf(x, groups));
  const { centre, variance } = channels.moments();
  const standardDeviation = g.apply('Sqrt', [add(variance, g.scalar(epsilon))], { shape: variance.shape });
  const inverse = divide(g.scalar(1), standardDeviation);
  const scale = times(channels.parameter(dense(g, gamma, [0])), inverse);
  const shift = subtract(channels.parameter(dense(g, beta, [0])), times(centre, scale));
  const y = channels.write(channels.change(channels.image, { scale, shift }));
  return [activation(y), plain(centre), plain(inverse)];
}

/**
 * Backward in closed form, with x̂ the normalised input and n elements a group:
 * dbeta = Σ dy, dgamma = Σ dy x̂, dx = (gamma dy - Σ(gamma dy) / n - x̂ Σ(gamma dy x̂) / n) / sqrt(variance + epsilon).
 * Both sums over pixels are taken once a channel; dx is then dy and x, each times a number a channel or group, plus one.
 * Outputs dx, dgamma, dbeta, and the shares of every example in the last two, [batch, channels].
 */
function backward(
  g: GraphBuilder,
  inputs: Record<'dy' | 'x' | 'gamma' | 'centre' | 'inverse', Symbolic>,
  { groups }: Attributes,
): Symbolic[] {
  const { subtract, times } = arithmetic(g);
  const sizes = sizesOf(inputs.x, groups);
  const channels = channelArithmetic(g, denseChannelsFirst(g, inputs.x), sizes);
  const dy = channels.read(denseChannelsFirst(g, inputs.dy));
  const [centre, inverse] = [denseInOrder(g, inputs.centre), denseInOrder(g, inputs.inverse)];
  const scale = times(channels.parameter(dense(g, inputs.gamma, [0])), inverse);
  const sumDy = channels.sums(dy);
  const sumDyNormalised = times(subtract(channels.dots(dy, channels.image), times(centre, sumDy)), inverse);
  const negativeMean = (sums: Value) => channels.groupMeans(times(sums, scale), -1 / sizes.pixels);
  const slope = times(negativeMean(sumDyNormalised), inverse);
  const offset = subtract(negativeMean(sumDy), times(centre, slope));
  const fromX = channels.change(channels.image, { scale: slope, shift: offset });
  const dx = channels.change(dy, { scale, plus: fromX });
  const ofExamples = (value: Value) => g.reshape(value, [sizes.batch, sizes.channels]);
  const overBatch = (value: Value) =>
    g.apply('ReduceSum', [ofExamples(value), g.int64([0])], { shape: [sizes.channels], attributes: { keepdims: 0 } });
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
        const [x, gamma, centre, inverse] = saved;
        const [dy] = [dys].flat();
        if (!x || !gamma || !centre || !inverse || !dy) throw new RangeError('groupNorm gradient: missing operands');
        const gradients = tf
          .engine()
          .runKernel<tf.Tensor[]>(GROUP_NORM_GRADIENT, { dy, x, gamma, centre, inverse }, attributes);
        return { x: () => at(gradients, 0), gamma: () => at(gradients, 1), beta: () => at(gradients, 2) };
      },
    },
  },
  kernel(GROUP_NORM_GRADIENT, ['dy', 'x', 'gamma', 'centre', 'inverse'], (g, inputs, attributes: Attributes) =>
    backward(g, inputs, attributes),
  ),
];
