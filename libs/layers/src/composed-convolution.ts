import * as tf from '@tensorflow/tfjs-core';
import { at, range } from '@tributary/onnx-graph';
import { CONVOLUTION_2D, CONVOLUTION_3D } from '@tributary/kernels';

/** Everything that a convolution's weight [O, I / groups, …] does not say. */
export interface ConvolutionSettings {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

/** Zeros on every side of the spatial dimensions, as tfjs writes explicit padding. */
export function explicitPadding(rank: number, padding: number): [number, number][] {
  return range(rank).map((axis) => (axis === 0 || axis === rank - 1 ? [0, 0] : [padding, padding]));
}

/** A weight [O, I, …] as tfjs's filter […, I, O]. */
export function toFilter(weight: tf.Tensor): tf.Tensor {
  return tf.transpose(weight, [...range(weight.rank - 2).map((i) => i + 2), 1, 0]);
}

/** tfjs's own convolution of this rank, which knows explicit padding in two dimensions only. */
function nativeConvolution({ rank }: tf.Tensor, { stride, padding }: Pick<ConvolutionSettings, 'stride' | 'padding'>) {
  const attributes = { strides: stride, dilations: 1, dimRoundingMode: 'floor' };
  return rank === 5
    ? { names: CONVOLUTION_3D, attributes: { ...attributes, pad: 'valid', dataFormat: 'NDHWC' } }
    : { names: CONVOLUTION_2D, attributes: { ...attributes, pad: explicitPadding(rank, padding), dataFormat: 'NHWC' } };
}

/** A convolution made of tfjs's own, for backends without the recorder's kernel: tfjs has no groups, and no gradient for dilation. */
export function composedConvolution<T extends tf.Tensor>(x: T, weight: tf.Tensor, settings: ConvolutionSettings): T {
  const { padding, dilation, groups } = settings;
  const padded = x.rank === 5 && padding > 0 ? tf.pad(x, explicitPadding(x.rank, padding)) : x;
  const { names, attributes } = nativeConvolution(x, settings);
  return byGroup({ x: padded, weight: dilate(weight, dilation), groups }, (part, partWeight) =>
    tf.engine().runKernel<T>(names.forward, { x: part, filter: toFilter(partWeight) }, attributes),
  );
}

/** As `composedConvolution`, transposed: every group is made without padding and then cut to the wanted size. */
export function composedTransposedConvolution<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor,
  { stride, padding, dilation, groups, size }: ConvolutionSettings & { readonly size: readonly number[] },
): T {
  const { names, attributes } = nativeConvolution(x, { stride, padding: 0 });
  const batch = at(x.shape, 0);
  return byGroup({ x, weight: dilate(weight, dilation), groups }, (dy, partWeight) => {
    const channels = at(partWeight.shape, 1);
    const inputShape = [batch, ...size.map((length) => length + 2 * padding), channels];
    const inputs = { dy, filter: toFilter(partWeight) };
    const whole = tf.engine().runKernel<T>(names.backpropInput, inputs, { ...attributes, inputShape });
    return tf.slice(whole, [0, ...size.map(() => padding), 0], [batch, ...size, channels]);
  });
}

function byGroup<T extends tf.Tensor>(
  { x, weight, groups }: { x: T; weight: tf.Tensor; groups: number },
  convolve: (x: T, weight: tf.Tensor) => T,
): T {
  if (groups === 1) return convolve(x, weight);
  const weights = tf.split(weight, groups, 0);
  const parts = tf.split<T>(x, groups, x.rank - 1);
  return tf.concat<T>(
    parts.map((part, i) => convolve(part, at(weights, i))),
    x.rank - 1,
  );
}

/** The kernel with `dilation - 1` zeros between its elements: [O, I, h, …] to [O, I, (h - 1) dilation + 1, …]. */
function dilate(weight: tf.Tensor, dilation: number): tf.Tensor {
  if (dilation === 1) return weight;
  const [out = 0, into = 0, ...size] = weight.shape;
  const apart = tf.reshape(weight, [out * into, ...size.flatMap((length) => [length, 1])]);
  const gaps = size.flatMap((): [number, number][] => [
    [0, 0],
    [0, dilation - 1],
  ]);
  const spread = tf.reshape(tf.pad(apart, [[0, 0], ...gaps]), [out, into, ...size.map((length) => length * dilation)]);
  return tf.slice(
    spread,
    [0, 0, ...size.map(() => 0)],
    [out, into, ...size.map((length) => (length - 1) * dilation + 1)],
  );
}
