import { conv2d, groupNorm, linear } from '@tributary/tensor';
import type * as tf from '@tensorflow/tfjs-core';
import { parameterOf, type ForwardContext, type Parameter } from './parameter.js';

/** A part of a network: the parameters it owns and what it does to a tensor. */
export interface Layer<Input extends tf.Tensor> {
  readonly parameters: readonly Parameter[];
  readonly apply: (context: ForwardContext, x: Input) => Input;
}

export interface ConvolutionOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: 1 | 3;
  readonly stride?: 1 | 2;
}

/** Convolution with bias and padding (kernel - 1) / 2; weight [out, in, kernel, kernel]. */
export function convolution(name: string, options: ConvolutionOptions): Layer<tf.Tensor4D> {
  const { inChannels, outChannels, kernel, stride = 1 } = options;
  const initial = pytorchUniform(inChannels * kernel ** 2);
  return {
    parameters: [
      { name: `${name}.bias`, shape: [outChannels], initial },
      { name: `${name}.weight`, shape: [outChannels, inChannels, kernel, kernel], initial },
    ],
    apply: (context, x) =>
      conv2d(x, parameterOf(context, `${name}.weight`), parameterOf(context, `${name}.bias`), {
        stride,
        padding: (kernel - 1) / 2,
      }),
  };
}

/** Fully connected layer; weight [out, in]. */
export function fullyConnected(name: string, inFeatures: number, outFeatures: number): Layer<tf.Tensor> {
  const initial = pytorchUniform(inFeatures);
  return {
    parameters: [
      { name: `${name}.bias`, shape: [outFeatures], initial },
      { name: `${name}.weight`, shape: [outFeatures, inFeatures], initial },
    ],
    apply: (context, x) => linear(x, parameterOf(context, `${name}.weight`), parameterOf(context, `${name}.bias`)),
  };
}

export interface NormOptions {
  readonly channels: number;
  readonly groups: number;
  readonly epsilon: number;
}

/** Group normalisation, Wu & He 2018, with a scale and a shift a channel. */
export function normalisation(name: string, { channels, groups, epsilon }: NormOptions): Layer<tf.Tensor4D> {
  return {
    parameters: [
      { name: `${name}.bias`, shape: [channels], initial: { kind: 'constant', value: 0 } },
      { name: `${name}.weight`, shape: [channels], initial: { kind: 'constant', value: 1 } },
    ],
    apply: (context, x) =>
      groupNorm(x, parameterOf(context, `${name}.weight`), parameterOf(context, `${name}.bias`), { groups, epsilon }),
  };
}

/** PyTorch's default for weights and biases: Kaiming uniform with a = sqrt(5), that is ±1 / sqrt(fan in). */
function pytorchUniform(fanIn: number): Parameter['initial'] {
  return { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
}
