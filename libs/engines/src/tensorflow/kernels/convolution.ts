import * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend, OpAttribute } from '../binding.js';
import { tensorflowKernel, typeAttribute } from './tensorflow-kernel.js';

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4 = [number, number, number, number];
type Info = tf.backend_util.Conv2DInfo;

/** A filter with the gradients' kernels beside it: `filterShape` and `inputShape` come as attributes there. */
interface Family {
  readonly names: readonly [forward: string, inputGradient: string, filterGradient: string];
  readonly isDepthwise: boolean;
}

const FAMILIES: readonly Family[] = [
  { names: ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'], isDepthwise: false },
  {
    names: ['DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
    isDepthwise: true,
  },
];

const sizes = (shape: readonly number[]) => tf.tensor1d([...shape], 'int32');

/** tfjs-node's own kernels refuse the gradients of convolutions whose padding is given as numbers; these pass it on. */
function convolutionKernels({ names, isDepthwise }: Family) {
  const [forward, inputGradient, filterGradient] = names;
  const infoOf = (inShape: Shape4, filterShape: Shape4, { strides, pad, dilations, dimRoundingMode }: Attributes) =>
    tf.backend_util.computeConv2DInfo(inShape, filterShape, strides, dilations ?? 1, pad, dimRoundingMode, isDepthwise);
  return [
    tensorflowKernel<'x' | 'filter', Attributes>(forward, ({ inputs: { x, filter }, attributes, backend }) => {
      const info = infoOf(x.shape as Shape4, filter.shape as Shape4, attributes);
      return backend.executeSingleOutput(forward, opAttributes(backend, x, info), [x, filter]);
    }),
    tensorflowKernel<'dy' | 'filter', Attributes & { inputShape: Shape4 }>(
      inputGradient,
      ({ inputs: { dy, filter }, attributes, backend }) => {
        const info = infoOf(attributes.inputShape, filter.shape as Shape4, attributes);
        const operands = [sizes(attributes.inputShape), filter, dy];
        return backend.executeSingleOutput(inputGradient, opAttributes(backend, dy, info), operands);
      },
    ),
    tensorflowKernel<'x' | 'dy', Attributes & { filterShape: Shape4 }>(
      filterGradient,
      ({ inputs: { x, dy }, attributes, backend }) => {
        const info = infoOf(x.shape as Shape4, attributes.filterShape, attributes);
        const operands = [x, sizes(attributes.filterShape), dy];
        return backend.executeSingleOutput(filterGradient, opAttributes(backend, dy, info), operands);
      },
    ),
  ];
}

function opAttributes(backend: NodeBackend, operand: tf.Tensor, info: Info): OpAttribute[] {
  const { TF_ATTR_INT, TF_ATTR_STRING } = backend.binding;
  const { top, bottom, left, right, type } = info.padInfo;
  const isNamed = type === 'SAME' || type === 'VALID';
  const attributes = [
    typeAttribute(backend, operand),
    { name: 'strides', type: TF_ATTR_INT, value: [1, info.strideHeight, info.strideWidth, 1] },
    { name: 'dilations', type: TF_ATTR_INT, value: [1, info.dilationHeight, info.dilationWidth, 1] },
    { name: 'padding', type: TF_ATTR_STRING, value: isNamed ? type : 'EXPLICIT' },
  ];
  const sides = { name: 'explicit_paddings', type: TF_ATTR_INT, value: [0, 0, top, bottom, left, right, 0, 0] };
  return isNamed ? attributes : [...attributes, sides];
}

export const tensorflowConvolutions = FAMILIES.flatMap(convolutionKernels);
