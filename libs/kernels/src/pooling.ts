import { at, type GraphBuilder, product } from '@tributary/onnx-graph';
import { binary } from './symbolic/elementwise.js';
import { kernel, type RecordedKernel } from './kernel.js';
import { activation, denseChannelsFirst, fillFloat, plain, type Symbolic } from './symbolic/symbolic.js';
import { inputGradient } from './convolution/convolution-graph.js';
import { upsampleNearest } from './resizing.js';
import { type PoolAttributes, poolGeometry, windowShares } from './pool-geometry.js';
import { type ConvolutionGeometry, isTiling } from './window-geometry.js';

/** Shape and attributes of ONNX's pools. */
function poolSpec({ batch, outChannels, outSize, kernelSize, strides, padBefore, padAfter }: ConvolutionGeometry) {
  const attributes = { kernel_shape: kernelSize, strides, pads: [...padBefore, ...padAfter] };
  return { shape: [batch, outChannels, ...outSize], attributes };
}

/** Every window's gradient goes in equal shares to its elements: the input gradient of a convolution with ones. */
function averageGradient(g: GraphBuilder, dy: Symbolic, geometry: ConvolutionGeometry): Symbolic {
  const { kernelSize, inChannels } = geometry;
  if (isTiling(geometry)) {
    return binary(g, 'Mul', [upsampleNearest(g, dy, kernelSize), fillFloat(g, 1 / product(kernelSize))]);
  }
  const shares = plain(g.constant(windowShares(geometry), [1, ...geometry.outSize, 1], 'float32'));
  const shared = binary(g, 'Mul', [dy, shares]);
  const weight = g.expand(g.scalar(1, kernelSize.length + 2), [inChannels, 1, ...kernelSize]);
  return activation(inputGradient(g, { dy: denseChannelsFirst(g, shared), weight }, geometry));
}

/** Every window's gradient goes to its largest element, the first of several equal ones. */
function maximumGradient(
  g: GraphBuilder,
  { dy, input }: { dy: Symbolic; input: Symbolic },
  geometry: ConvolutionGeometry,
): Symbolic {
  if (g.target.device === 'gpu') throw new RangeError('maxPool: its gradient cannot be recorded for a GPU');
  const x = denseChannelsFirst(g, input);
  const { shape, attributes } = poolSpec(geometry);
  const outputs = [
    { shape, type: x.type },
    { shape, type: 'int64' as const },
  ];
  const places = at(g.applyMany('MaxPool', [x], { outputs, attributes }), 1);
  const count = product(x.shape);
  const flat = [product(shape)];
  const zeros = g.expand(g.scalar(0, 1), [count]);
  const inputs = [zeros, g.reshape(places, flat), g.reshape(denseChannelsFirst(g, dy), flat)];
  const sums = g.apply('ScatterElements', inputs, { shape: [count], attributes: { axis: 0, reduction: 'add' } });
  return activation(g.reshape(sums, x.shape));
}

export const poolingKernels: readonly RecordedKernel[] = ['', '3D'].flatMap((suffix) => [
  kernel(`AvgPool${suffix}`, ['x'], (g, { x }, attributes: PoolAttributes) =>
    activation(g.apply('AveragePool', [denseChannelsFirst(g, x)], poolSpec(poolGeometry(x.shape, attributes)))),
  ),
  kernel(`AvgPool${suffix}Grad`, ['dy', 'input'], (g, { dy, input }, attributes: PoolAttributes) =>
    averageGradient(g, dy, poolGeometry(input.shape, attributes)),
  ),
  kernel(`MaxPool${suffix}`, ['x'], (g, { x }, attributes: PoolAttributes) =>
    activation(g.apply('MaxPool', [denseChannelsFirst(g, x)], poolSpec(poolGeometry(x.shape, attributes)))),
  ),
  kernel(`MaxPool${suffix}Grad`, ['dy', 'input', 'output'], (g, inputs, attributes: PoolAttributes) =>
    maximumGradient(g, inputs, poolGeometry(inputs.input.shape, attributes)),
  ),
]);
