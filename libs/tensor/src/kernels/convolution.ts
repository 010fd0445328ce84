import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  Conv3DAttrs,
  Conv3DBackpropFilterV2Attrs,
  Conv3DBackpropInputV2Attrs,
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
} from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { range } from '../graph/shapes.js';
import { kernel, type RecordedKernel } from '../recorder/kernel.js';
import { reshapeSymbolic } from '../recorder/reshape.js';
import { dense, symbolic, type Symbolic } from '../recorder/symbolic.js';
import { filterGradient } from './convolution-filter-gradient.js';
import { geometry2d, geometry3d, type ConvolutionGeometry } from './convolution-geometry.js';
import { convolve, inputGradient } from './convolution-graph.js';

/** Physical order of activations stored [N, C, …] when tfjs sees [N, …, C]. */
const channelsFirst = (spatial: number) => [0, spatial + 1, ...range(spatial).map((i) => i + 1)];
/** Physical order of filters stored [O, I, …] when tfjs sees […, I, O]. */
const filterFirst = (spatial: number) => [spatial + 1, spatial, ...range(spatial)];

function activation(value: Symbolic['value']): Symbolic {
  const [batch = 0, channels = 0, ...size] = value.shape;
  return symbolic(value, channelsFirst(size.length), [batch, ...size, channels]);
}

function filter(value: Symbolic['value']): Symbolic {
  const [outChannels = 0, inChannels = 0, ...size] = value.shape;
  return symbolic(value, filterFirst(size.length), [...size, inChannels, outChannels]);
}

function forward(g: GraphBuilder, inputs: { x: Symbolic; filter: Symbolic }, geometry: ConvolutionGeometry): Symbolic {
  const spatial = geometry.kernelSize.length;
  const x = dense(g, inputs.x, channelsFirst(spatial));
  return activation(convolve(g, { x, weight: dense(g, inputs.filter, filterFirst(spatial)) }, geometry));
}

function backwardInput(
  g: GraphBuilder,
  inputs: { dy: Symbolic; filter: Symbolic },
  geometry: ConvolutionGeometry,
): Symbolic {
  const spatial = geometry.kernelSize.length;
  const dy = dense(g, inputs.dy, channelsFirst(spatial));
  return activation(inputGradient(g, { dy, weight: dense(g, inputs.filter, filterFirst(spatial)) }, geometry));
}

function backwardFilter(
  g: GraphBuilder,
  inputs: { x: Symbolic; dy: Symbolic },
  geometry: ConvolutionGeometry,
): Symbolic {
  const order = channelsFirst(geometry.kernelSize.length);
  return filter(filterGradient(g, { x: dense(g, inputs.x, order), dy: dense(g, inputs.dy, order) }, geometry));
}

/** A depthwise filter [H, W, C, M] as the grouped filter [H, W, 1, C * M]. */
function grouped(g: GraphBuilder, s: Symbolic): Symbolic {
  const [height = 0, width = 0, channels = 0, multiplier = 0] = s.shape;
  return reshapeSymbolic(g, s, [height, width, 1, channels * multiplier]);
}

const depthwise = <T extends object>(attributes: T) => ({ ...attributes, depthwise: true });

export const convolutionKernels: readonly RecordedKernel[] = [
  kernel('Conv2D', ['x', 'filter'], (g, inputs, a: Conv2DAttrs) =>
    forward(g, inputs, geometry2d(inputs.x.shape, inputs.filter.shape, a)),
  ),
  kernel('Conv2DBackpropInput', ['dy', 'filter'], (g, inputs, a: Conv2DBackpropInputAttrs) =>
    backwardInput(g, inputs, geometry2d(a.inputShape, inputs.filter.shape, a)),
  ),
  kernel('Conv2DBackpropFilter', ['x', 'dy'], (g, inputs, a: Conv2DBackpropFilterAttrs) =>
    backwardFilter(g, inputs, geometry2d(inputs.x.shape, a.filterShape, a)),
  ),
  kernel('DepthwiseConv2dNative', ['x', 'filter'], (g, { x, filter: w }, a: DepthwiseConv2dNativeAttrs) =>
    forward(g, { x, filter: grouped(g, w) }, geometry2d(x.shape, w.shape, depthwise(a))),
  ),
  kernel(
    'DepthwiseConv2dNativeBackpropInput',
    ['dy', 'filter'],
    (g, { dy, filter: w }, a: DepthwiseConv2dNativeBackpropInputAttrs) =>
      backwardInput(g, { dy, filter: grouped(g, w) }, geometry2d(a.inputShape, w.shape, depthwise(a))),
  ),
  kernel(
    'DepthwiseConv2dNativeBackpropFilter',
    ['x', 'dy'],
    (g, { x, dy }, a: DepthwiseConv2dNativeBackpropFilterAttrs) => {
      const [height, width, channels, multiplier] = a.filterShape;
      const gradient = backwardFilter(g, { x, dy }, geometry2d(x.shape, a.filterShape, depthwise(a)));
      return reshapeSymbolic(g, gradient, [height, width, channels, multiplier]);
    },
  ),
  kernel('Conv3D', ['x', 'filter'], (g, inputs, a: Conv3DAttrs) =>
    forward(g, inputs, geometry3d(inputs.x.shape, inputs.filter.shape, a)),
  ),
  kernel('Conv3DBackpropInputV2', ['dy', 'filter'], (g, inputs, a: Conv3DBackpropInputV2Attrs) =>
    backwardInput(g, inputs, geometry3d(a.inputShape, inputs.filter.shape, a)),
  ),
  kernel('Conv3DBackpropFilterV2', ['x', 'dy'], (g, inputs, a: Conv3DBackpropFilterV2Attrs) =>
    backwardFilter(g, inputs, geometry3d(inputs.x.shape, a.filterShape, a)),
  ),
];
