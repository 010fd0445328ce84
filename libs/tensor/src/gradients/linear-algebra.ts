import * as tf from '@tensorflow/tfjs-core';
import { type ConvolutionNames, CONVOLUTIONS, einsumLetters } from '@tributary/kernels';
import { isRecording } from '../recorder/recorder-name.js';
import { at } from '@tributary/onnx-graph';
import { gradient, listGradient, need, unbroadcast } from './gradient.js';

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

/** Each operand's gradient is a product of dy and the others; letters that only that operand has were summed, and repeat. */
const einsum = listGradient<tf.EinsumAttrs>('Einsum', ({ dy, saved, attributes }) => {
  const { operands, output } = einsumLetters(attributes.equation);
  return saved.map((operand, i) => () => {
    const others = operands.filter((_, k) => k !== i);
    const letters = at(operands, i);
    const isShared = (letter: string) => [output, ...others].some((list) => list.includes(letter));
    const equation = `${[output, ...others].map((list) => list.join('')).join()}->${letters.filter(isShared).join('')}`;
    const product = tf.einsum(equation, dy, ...saved.filter((_, k) => k !== i));
    const kept = operand.shape.map((size, axis) => (isShared(at(letters, axis)) ? size : 1));
    return tf.broadcastTo(tf.reshape(product, kept), operand.shape);
  });
});

/** tfjs's backward kernels ignore dilation; the recorder's do not. */
function requireGradient(kernelName: string, { dilations }: tf.NamedAttrMap): void {
  const isDilated = [dilations ?? 1].flat().some((dilation) => dilation !== 1);
  if (isDilated && !isRecording())
    throw new RangeError(`${kernelName}: no gradient with dilation here; use the conv2d layer`);
}

function convolution({ forward, backpropInput, backpropFilter }: ConvolutionNames): tf.GradConfig {
  return gradient<tf.NamedAttrMap>(forward, { inputs: ['x', 'filter'] }, ({ dy, saved, attributes }) => {
    const [x, filter] = [need(saved, 0), need(saved, 1)];
    requireGradient(forward, attributes);
    return {
      x: () => run(backpropInput, { dy, filter }, { ...attributes, inputShape: x.shape }),
      filter: () => run(backpropFilter, { x, dy }, { ...attributes, filterShape: filter.shape }),
    };
  });
}

/** The transposed convolution is the input gradient of a convolution: its own gradients are the two others. */
function transposedConvolution({ forward, backpropInput, backpropFilter }: ConvolutionNames): tf.GradConfig {
  return gradient<tf.NamedAttrMap>(backpropInput, { inputs: ['dy', 'filter'] }, ({ dy: x, saved, attributes }) => {
    const [dy, filter] = [need(saved, 0), need(saved, 1)];
    return {
      dy: () => run(forward, { x, filter }, { ...attributes, dilations: attributes['dilations'] ?? 1 }),
      filter: () => run(backpropFilter, { x, dy }, { ...attributes, filterShape: filter.shape }),
    };
  });
}

const poolGradients = ['', '3D'].flatMap((suffix) => [
  gradient<tf.NamedAttrMap>(`AvgPool${suffix}`, { inputs: ['x'] }, ({ dy, saved, attributes }) => ({
    x: () => run(`AvgPool${suffix}Grad`, { dy, input: need(saved, 0) }, attributes),
  })),
  gradient<tf.NamedAttrMap>(`MaxPool${suffix}`, { inputs: ['x'], output: true }, ({ dy, saved, attributes }) => ({
    x: () => run(`MaxPool${suffix}Grad`, { dy, input: need(saved, 0), output: need(saved, 1) }, attributes),
  })),
]);

const resizeGradients = ['ResizeNearestNeighbor', 'ResizeBilinear'].map((name) =>
  gradient<tf.NamedAttrMap>(name, { inputs: ['images'] }, ({ dy, saved, attributes }) => ({
    images: () => run(`${name}Grad`, { images: need(saved, 0), dy }, attributes),
  })),
);

export const linearAlgebraGradients: readonly tf.GradConfig[] = [
  matrixProduct,
  einsum,
  ...CONVOLUTIONS.flatMap((names) => [convolution(names), transposedConvolution(names)]),
  ...poolGradients,
  ...resizeGradients,
];
