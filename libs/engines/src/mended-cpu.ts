import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { registerGradients } from '@tributary/tensor';
import { at, product } from '@tributary/onnx-graph';
import {
  interpolationMatrix,
  type InterpolationRule,
  type PoolAttributes,
  poolGeometry,
  windowShares,
} from '@tributary/kernels';

const CPU = 'cpu';
let isMended = false;

/** Makes tfjs's cpu backend ready, with its wrong kernels replaced. Idempotent. */
export async function useMendedCpu(): Promise<void> {
  await tf.setBackend(CPU);
  if (isMended) return;
  isMended = true;
  registerGradients();
  mendResizeGradient('ResizeNearestNeighborGrad', 'nearest');
  mendResizeGradient('ResizeBilinearGrad', 'linear');
  mendAverageGradient('AvgPoolGrad');
  mendAverageGradient('AvgPool3DGrad');
  skipAdvice();
}

/** At its first tensor, tfjs prints advice to install tfjs-node on the console, unless it believes to be elsewhere. */
function skipAdvice(): void {
  const isNode = tf.env().getBool('IS_NODE');
  tf.env().set('IS_NODE', false);
  tf.scalar(0).dispose();
  tf.env().set('IS_NODE', isNode);
}

/**
 * tfjs-backend-cpu 4.22 swaps height and width in the bilinear gradient, and reads `dy` with the input's batch stride in
 * the nearest one. Both are the transpose of the interpolation.
 */
function mendResizeGradient(kernelName: string, mode: InterpolationRule['mode']): void {
  tf.unregisterKernel(kernelName, CPU);
  tf.registerKernel({
    kernelName,
    backendName: CPU,
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => {
        const [, height = 0, width = 0] = toTensor(inputs['images']).shape;
        const dy = tf.transpose(toTensor(inputs['dy']), [0, 3, 1, 2]);
        const [, , outHeight = 0, outWidth = 0] = dy.shape;
        const alignCorners = attrs?.['alignCorners'] === true;
        const rule = { mode, alignCorners, halfPixelCenters: attrs?.['halfPixelCenters'] === true };
        const matrix = (from: number, to: number) => tf.tensor(interpolationMatrix(from, to, rule), [1, 1, to, from]);
        const across = tf.matMul(dy, matrix(width, outWidth));
        return tf.transpose(tf.matMul(matrix(height, outHeight), across, true), [0, 2, 3, 1]);
      }),
  });
}

/** tfjs-backend-cpu 4.22 divides by the whole window here, padding included; its forward kernel leaves padding out. */
function mendAverageGradient(kernelName: string): void {
  const broken = tf.getKernel(kernelName, CPU);
  tf.unregisterKernel(kernelName, CPU);
  tf.registerKernel({
    ...broken,
    kernelFunc: ({ inputs, attrs, backend }) =>
      tf.tidy(() => {
        const dy = toTensor(inputs['dy']);
        const geometry = poolGeometry(toTensor(inputs['input']).shape, attrs as unknown as PoolAttributes);
        const weights = windowShares(geometry).map((share) => share * product(geometry.kernelSize));
        const weighted = tf.mul(dy, tf.tensor(weights, [1, ...geometry.outSize, 1]));
        return toTensor(at([broken.kernelFunc({ inputs: { ...inputs, dy: weighted }, attrs, backend })].flat(), 0));
      }),
  });
}

function toTensor(info: tf.TensorInfo | undefined): tf.Tensor {
  if (isTensor(info)) return info;
  if (!info) throw new RangeError('a kernel input is missing');
  return tf.engine().makeTensorFromTensorInfo(info);
}

function isTensor(info: tf.TensorInfo | undefined): info is tf.Tensor {
  return info instanceof tf.Tensor;
}
