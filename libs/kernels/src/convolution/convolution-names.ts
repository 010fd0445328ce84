/** The kernels of one kind of convolution: itself and its two gradients. */
export interface ConvolutionNames {
  readonly forward: string;
  readonly backpropInput: string;
  readonly backpropFilter: string;
  readonly isDepthwise: boolean;
}

const ofName = (forward: string, suffix = '', isDepthwise = false): ConvolutionNames => ({
  forward,
  backpropInput: `${forward}BackpropInput${suffix}`,
  backpropFilter: `${forward}BackpropFilter${suffix}`,
  isDepthwise,
});

export const CONVOLUTION_2D = ofName('Conv2D');
export const CONVOLUTION_3D = ofName('Conv3D', 'V2');

/** The layers' own kernel, which only the recorder has: any number of dimensions, with padding, dilation and groups. */
export const CONVOLUTION = ofName('TributaryConvolution');

/** tfjs's kernels of convolutions, and ours. */
export const CONVOLUTIONS: readonly ConvolutionNames[] = [
  CONVOLUTION_2D,
  ofName('DepthwiseConv2dNative', '', true),
  CONVOLUTION_3D,
  CONVOLUTION,
];
