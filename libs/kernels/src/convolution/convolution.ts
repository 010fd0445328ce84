import { type GraphBuilder, range, type Value } from '@tributary/onnx-graph';
import { type ConvolutionNames, CONVOLUTIONS } from './convolution-names.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { reshapeSymbolic } from '../symbolic/reshape.js';
import { activation, dense, denseChannelsFirst, symbolic, type Symbolic } from '../symbolic/symbolic.js';
import { filterGradient } from './convolution-filter-gradient.js';
import { convolve, inputGradient } from './convolution-graph.js';
import { convolutionGeometry, type ConvolutionGeometry, type WindowAttributes } from '../window-geometry.js';

/** Physical order of filters stored [O, I, …] when tfjs sees […, I, O]. */
const filterFirst = (rank: number) => [rank - 1, rank - 2, ...range(rank - 2)];

/** The filter stored [O, I / groups, …]; a depthwise one comes as […, C, M] and is [C · M, 1, …] then. */
function weightOf(
  g: GraphBuilder,
  filter: Symbolic,
  { kernelSize, inChannels, groups, outChannels }: ConvolutionGeometry,
) {
  const grouped = reshapeSymbolic(g, filter, [...kernelSize, inChannels / groups, outChannels]);
  return dense(g, grouped, filterFirst(filter.shape.length));
}

function filterOf(value: Value): Symbolic {
  const [outChannels = 0, inChannels = 0, ...size] = value.shape;
  return symbolic(value, filterFirst(value.shape.length), [...size, inChannels, outChannels]);
}

function family({ forward, backpropInput, backpropFilter, isDepthwise }: ConvolutionNames): RecordedKernel[] {
  return [
    kernel(forward, ['x', 'filter'], (g, { x, filter }, attributes: WindowAttributes) => {
      const geometry = convolutionGeometry(x.shape, filter.shape, { ...attributes, isDepthwise });
      return activation(convolve(g, { x: denseChannelsFirst(g, x), weight: weightOf(g, filter, geometry) }, geometry));
    }),
    kernel(
      backpropInput,
      ['dy', 'filter'],
      (g, { dy, filter }, attributes: WindowAttributes & { inputShape: number[] }) => {
        const geometry = convolutionGeometry(attributes.inputShape, filter.shape, { ...attributes, isDepthwise });
        return activation(
          inputGradient(g, { dy: denseChannelsFirst(g, dy), weight: weightOf(g, filter, geometry) }, geometry),
        );
      },
    ),
    kernel(backpropFilter, ['x', 'dy'], (g, { x, dy }, attributes: WindowAttributes & { filterShape: number[] }) => {
      const geometry = convolutionGeometry(x.shape, attributes.filterShape, { ...attributes, isDepthwise });
      const gradient = filterOf(
        filterGradient(g, { x: denseChannelsFirst(g, x), dy: denseChannelsFirst(g, dy) }, geometry),
      );
      return reshapeSymbolic(g, gradient, attributes.filterShape);
    }),
  ];
}

export const convolutionKernels: readonly RecordedKernel[] = CONVOLUTIONS.flatMap(family);
