import * as tf from '@tensorflow/tfjs-core';
import { at } from '@tributary/onnx-graph';
import { convolutionRule } from './per-example/convolution-rule.js';
import { runLayer } from './per-example/observed-layer.js';
import { shiftRule } from './per-example/rules.js';
import { CONVOLUTION } from '@tributary/kernels';
import { isRecording } from '@tributary/tensor';
import {
  composedConvolution,
  composedTransposedConvolution,
  type ConvolutionSettings,
  explicitPadding,
  toFilter,
} from './composed-convolution.js';

/** All are 1 when left out, padding 0. */
export interface ConvolutionOptions {
  /** Step of the window. */
  readonly stride?: number;
  /** Zeros added on every side. */
  readonly padding?: number;
  /** Distance of the kernel's elements. */
  readonly dilation?: number;
  /** Groups of channels that see only each other. As many as input channels: depthwise. */
  readonly groups?: number;
}

export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Elements added after the last, below the stride: chooses between the sizes that a strided convolution maps to one. */
  readonly outputPadding?: number;
}

/**
 * Two-dimensional convolution (cross-correlation, as in every network library).
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [outChannels, inChannels / groups, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, outHeight, outWidth, outChannels], outHeight = floor((height + 2 padding - (kernelHeight - 1) dilation - 1) / stride) + 1.
 * @throws RangeError when the groups do not divide the channels.
 */
export function conv2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias?: tf.Tensor1D,
  options: ConvolutionOptions = {},
): tf.Tensor4D {
  return convolutionLayer('conv2d', { x, weight, bias, options, apply: convolution });
}

/** As `conv2d`, for volumes: x [batch, depth, height, width, inChannels], weight [outChannels, inChannels / groups, kernelDepth, …]. */
export function conv3d(
  x: tf.Tensor5D,
  weight: tf.Tensor5D,
  bias?: tf.Tensor1D,
  options: ConvolutionOptions = {},
): tf.Tensor5D {
  return convolutionLayer('conv3d', { x, weight, bias, options, apply: convolution });
}

/**
 * Transposed two-dimensional convolution: the input gradient of `conv2d` as a layer of its own.
 *
 * @param x      [batch, height, width, inChannels].
 * @param weight [inChannels, outChannels / groups, kernelHeight, kernelWidth], PyTorch's layout.
 * @param bias   [outChannels].
 * @returns [batch, outHeight, …], outHeight = (height - 1) stride - 2 padding + (kernelHeight - 1) dilation + 1 + outputPadding.
 * @throws RangeError when the groups do not divide the channels, or the output padding reaches the stride.
 */
export function convTranspose2d(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias?: tf.Tensor1D,
  options: TransposedConvolutionOptions = {},
): tf.Tensor4D {
  return convolutionLayer('convTranspose2d', {
    x,
    weight,
    bias,
    options,
    apply: transposedConvolution,
    isTransposed: true,
  });
}

/** As `convTranspose2d`, for volumes: weight [inChannels, outChannels / groups, kernelDepth, kernelHeight, kernelWidth]. */
export function convTranspose3d(
  x: tf.Tensor5D,
  weight: tf.Tensor5D,
  bias?: tf.Tensor1D,
  options: TransposedConvolutionOptions = {},
): tf.Tensor5D {
  return convolutionLayer('convTranspose3d', {
    x,
    weight,
    bias,
    options,
    apply: transposedConvolution,
    isTransposed: true,
  });
}

interface ConvolutionCall<T extends tf.Tensor, O extends ConvolutionOptions> {
  readonly x: T;
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor1D | undefined;
  readonly options: O;
  readonly apply: (x: T, weight: tf.Tensor, options: O) => T;
  readonly isTransposed?: boolean;
}

/** y = x * weight + bias. */
function convolutionLayer<T extends tf.Tensor, O extends ConvolutionOptions>(
  layer: string,
  { x, weight, bias, options, apply, isTransposed = false }: ConvolutionCall<T, O>,
): T {
  const settings = { attributes: kernelAttributes(x.rank, complete(options)), isTransposed };
  const rule = convolutionRule({ x, weight, apply: (images, filter) => apply(images, filter, options), ...settings });
  return runLayer({
    layer,
    inputs: [x],
    parameters: [{ tensor: weight, rule }, ...(bias ? [{ tensor: bias, rule: shiftRule(bias.shape) }] : [])],
    forward: () => (bias ? tf.add<T>(apply(x, weight, options), bias) : apply(x, weight, options)),
  });
}

function complete({ stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvolutionOptions): ConvolutionSettings {
  return { stride, padding, dilation, groups };
}

/** The attributes of the recorder's kernel; the groups follow from the shapes. */
function kernelAttributes(rank: number, { stride, padding, dilation }: ConvolutionSettings): tf.NamedAttrMap {
  return { strides: stride, pad: explicitPadding(rank, padding), dilations: dilation };
}

function convolution<T extends tf.Tensor>(x: T, weight: tf.Tensor, options: ConvolutionOptions): T {
  const settings = complete(options);
  const [outChannels = 0, perGroup = 0] = weight.shape;
  const channels = at(x.shape, x.rank - 1);
  if (perGroup * settings.groups !== channels || outChannels % settings.groups !== 0) {
    throw new RangeError(
      `conv: ${settings.groups} groups of ${perGroup} channels do not fit ${channels} to ${outChannels} channels`,
    );
  }
  if (!isRecording()) return composedConvolution(x, weight, settings);
  const attributes = kernelAttributes(x.rank, settings);
  return tf.engine().runKernel<T>(CONVOLUTION.forward, { x, filter: toFilter(weight) }, attributes);
}

function transposedConvolution<T extends tf.Tensor>(x: T, weight: tf.Tensor, options: TransposedConvolutionOptions): T {
  const settings = complete(options);
  const { stride, padding, dilation, groups } = settings;
  const { outputPadding = 0 } = options;
  const [inChannels = 0, perGroup = 0, ...kernelSize] = weight.shape;
  const [batch = 0, ...rest] = x.shape;
  if (inChannels !== rest.at(-1) || inChannels % groups !== 0 || outputPadding >= stride) {
    throw new RangeError(
      `convTranspose: [${weight.shape.join(', ')}] in ${groups} groups with output padding ${outputPadding} does not fit [${x.shape.join(', ')}]`,
    );
  }
  const size = kernelSize.map(
    (length, i) => (at(rest, i) - 1) * stride - 2 * padding + (length - 1) * dilation + 1 + outputPadding,
  );
  if (!isRecording()) return composedTransposedConvolution(x, weight, { ...settings, size });
  const attributes = { ...kernelAttributes(x.rank, settings), inputShape: [batch, ...size, perGroup * groups] };
  return tf.engine().runKernel<T>(CONVOLUTION.backpropInput, { dy: x, filter: toFilter(weight) }, attributes);
}
