import * as tf from '@tensorflow/tfjs-core';
import { isRecording } from '../recorder/recorder-name.js';
import { gradient, need, unbroadcast } from './gradient.js';

/** Runs a kernel by name: tfjs exports no operation for the backward kernels of convolutions and pools. */
function run(name: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(name, inputs, attributes);
}

/** d(op(a) · op(b)): each operand's gradient is a product of dy and the other, transposed as the operand was. */
const matrixProduct = gradient<tf.BatchMatMulAttrs>(
  'BatchMatMul',
  { inputs: ['a', 'b'] },
  ({ dy, saved, attributes }) => {
    const a = need(saved, 0);
    const b = need(saved, 1);
    const { transposeA, transposeB } = attributes;
    const da = () => (transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB));
    const db = () => (transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false));
    return { a: () => unbroadcast(da(), a.shape), b: () => unbroadcast(db(), b.shape) };
  },
);

interface Convolution {
  readonly forward: string;
  readonly backpropInput: string;
  readonly backpropFilter: string;
}

const CONVOLUTIONS: readonly Convolution[] = [
  { forward: 'Conv2D', backpropInput: 'Conv2DBackpropInput', backpropFilter: 'Conv2DBackpropFilter' },
  {
    forward: 'DepthwiseConv2dNative',
    backpropInput: 'DepthwiseConv2dNativeBackpropInput',
    backpropFilter: 'DepthwiseConv2dNativeBackpropFilter',
  },
  { forward: 'Conv3D', backpropInput: 'Conv3DBackpropInputV2', backpropFilter: 'Conv3DBackpropFilterV2' },
];

/** tfjs's backward kernels ignore dilation; the recorder's do not. */
function requireGradient(kernelName: string, { dilations }: tf.NamedAttrMap): void {
  const isDilated = [dilations ?? 1].flat().some((dilation) => dilation !== 1);
  if (isDilated && !isRecording())
    throw new RangeError(`${kernelName}: no gradient with dilation here; use the conv2d layer`);
}

function convolution({ forward, backpropInput, backpropFilter }: Convolution): tf.GradConfig {
  return gradient<tf.NamedAttrMap>(forward, { inputs: ['x', 'filter'] }, ({ dy, saved, attributes }) => {
    const x = need(saved, 0);
    const filter = need(saved, 1);
    requireGradient(forward, attributes);
    return {
      x: () => run(backpropInput, { dy, filter }, { ...attributes, inputShape: x.shape }),
      filter: () => run(backpropFilter, { x, dy }, { ...attributes, filterShape: filter.shape }),
    };
  });
}

/** The transposed convolution is the input gradient of a convolution: its own gradients are the two others. */
function transposedConvolution({ forward, backpropInput, backpropFilter }: Convolution): tf.GradConfig {
  return gradient<tf.NamedAttrMap>(
    backpropInput,
    { inputs: ['dy', 'filter'] },
    ({ dy: upstream, saved, attributes }) => {
      const dy = need(saved, 0);
      const filter = need(saved, 1);
      return {
        dy: () => run(forward, { x: upstream, filter }, { ...attributes, dilations: attributes['dilations'] ?? 1 }),
        filter: () => run(backpropFilter, { x: upstream, dy }, { ...attributes, filterShape: filter.shape }),
      };
    },
  );
}

const poolGradients = [
  gradient<tf.NamedAttrMap>('AvgPool', { inputs: ['x'] }, ({ dy, saved, attributes }) => ({
    x: () => run('AvgPoolGrad', { dy, input: need(saved, 0) }, attributes),
  })),
  gradient<tf.NamedAttrMap>('MaxPool', { inputs: ['x'], output: true }, ({ dy, saved, attributes }) => ({
    x: () => run('MaxPoolGrad', { dy, input: need(saved, 0), output: need(saved, 1) }, attributes),
  })),
];

const resizeGradients = ['ResizeNearestNeighbor', 'ResizeBilinear'].map((name) =>
  gradient<tf.NamedAttrMap>(name, { inputs: ['images'] }, ({ dy, saved, attributes }) => ({
    images: () => run(`${name}Grad`, { images: need(saved, 0), dy }, attributes),
  })),
);

export const linearAlgebraGradients: readonly tf.GradConfig[] = [
  matrixProduct,
  ...CONVOLUTIONS.map(convolution),
  ...CONVOLUTIONS.map(transposedConvolution),
  ...poolGradients,
  ...resizeGradients,
];
