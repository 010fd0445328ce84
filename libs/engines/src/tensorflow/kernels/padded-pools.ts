import * as tf from '@tensorflow/tfjs-core';
import { range } from '@tributary/onnx-graph';
import { type ConvolutionGeometry, type PoolAttributes, poolGeometry, windowShares } from '@tributary/kernels';
import { tensorflowKernel, type TensorflowKernel } from './tensorflow-kernel.js';

type PoolInput = 'x' | 'dy' | 'input' | 'output';

/** TensorFlow's pools know no padding given as numbers: their data is padded before, by what no window then counts. */
export function withPadding(pool: TensorflowKernel): TensorflowKernel {
  const { name } = pool;
  const isAverage = name.startsWith('AvgPool');
  const padded = name.endsWith('Grad') ? gradientOfPadded(name, isAverage) : poolOfPadded(name, isAverage);
  return {
    name,
    run: (params) => {
      const isNamed = params.attrs?.['pad'] === 'same' || params.attrs?.['pad'] === 'valid';
      return isNamed ? pool.run(params) : padded.run(params);
    },
  };
}

function poolOfPadded(name: string, isAverage: boolean): TensorflowKernel {
  return tensorflowKernel<PoolInput, PoolAttributes>(name, ({ inputs: { x }, attributes }) => {
    const geometry = poolGeometry(x.shape, attributes);
    const y = run(name, { x: pad(x, geometry, isAverage) }, attributes);
    return isAverage ? tf.mul(y, countCorrection(geometry)) : y;
  });
}

function gradientOfPadded(name: string, isAverage: boolean): TensorflowKernel {
  return tensorflowKernel<PoolInput, PoolAttributes>(name, ({ inputs, attributes }) => {
    const { input, output } = inputs;
    const geometry = poolGeometry(input.shape, attributes);
    const dy = isAverage ? tf.mul(inputs.dy, countCorrection(geometry)) : inputs.dy;
    const operands = { dy, input: pad(input, geometry, isAverage) };
    const whole = run(name, isAverage ? operands : { ...operands, output }, attributes);
    return tf.slice(whole, [0, ...geometry.padBefore, 0], input.shape);
  });
}

function run(name: string, inputs: tf.NamedTensorMap, attributes: PoolAttributes): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(name, inputs, { ...attributes, pad: 'valid' });
}

function pad(x: tf.Tensor, { padBefore, padAfter }: ConvolutionGeometry, isAverage: boolean): tf.Tensor {
  const sides = range(padBefore.length).map((i): [number, number] => [padBefore[i] ?? 0, padAfter[i] ?? 0]);
  return tf.pad(x, [[0, 0], ...sides, [0, 0]], isAverage ? 0 : Number.NEGATIVE_INFINITY);
}

/** How many elements a window has over how many of them are data: [1, …, 1]. */
function countCorrection(geometry: ConvolutionGeometry): tf.Tensor {
  const count = geometry.kernelSize.reduce((all, size) => all * size, 1);
  return tf.mul(tf.tensor(Float32Array.from(windowShares(geometry)), [1, ...geometry.outSize, 1]), count);
}
