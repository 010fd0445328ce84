import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { registerGradients } from '../gradients/register-gradients.js';
import { at } from '../graph/shapes.js';
import { interpolationMatrix } from '../kernels/interpolation-matrix.js';

const CPU = 'cpu';
let isMended = false;

/** Makes tfjs's cpu backend ready, with its wrong kernels replaced. Idempotent. */
export async function useMendedCpu(): Promise<void> {
  await tf.setBackend(CPU);
  if (isMended) return;
  isMended = true;
  registerGradients();
  mendNearestGradient();
  mendBilinearGradient();
  skipAdvice();
}

/** At its first tensor, tfjs prints advice to install tfjs-node on the console, unless it believes to be elsewhere. */
function skipAdvice(): void {
  const isNode = tf.env().getBool('IS_NODE');
  tf.env().set('IS_NODE', false);
  tf.scalar(0).dispose();
  tf.env().set('IS_NODE', isNode);
}

/** tfjs-backend-cpu 4.22 reads `dy` with the input's batch stride here, so it is right for one image at a time only. */
function mendNearestGradient(): void {
  const kernelName = 'ResizeNearestNeighborGrad';
  const broken = tf.getKernel(kernelName, CPU);
  tf.unregisterKernel(kernelName, CPU);
  tf.registerKernel({
    kernelName,
    backendName: CPU,
    kernelFunc: ({ inputs, attrs }) => {
      const images = toTensor(inputs['images']);
      const dy = toTensor(inputs['dy']);
      const batch = at(images.shape, 0);
      const single = (i: number) => {
        const one = { images: tf.slice(images, i, 1), dy: tf.slice(dy, i, 1) };
        return toTensor(at([broken.kernelFunc({ inputs: one, attrs, backend: tf.backend() })].flat(), 0));
      };
      return tf.tidy(() => tf.concat(Array.from({ length: batch }, (_, i) => single(i))));
    },
  });
}

/** tfjs-backend-cpu 4.22 swaps height and width here; the gradient is the transpose of the interpolation. */
function mendBilinearGradient(): void {
  const kernelName = 'ResizeBilinearGrad';
  tf.unregisterKernel(kernelName, CPU);
  tf.registerKernel({
    kernelName,
    backendName: CPU,
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => {
        const [, height = 0, width = 0] = toTensor(inputs['images']).shape;
        const dy = tf.transpose(toTensor(inputs['dy']), [0, 3, 1, 2]);
        const [, , outHeight = 0, outWidth = 0] = dy.shape;
        const rule = {
          alignCorners: attrs?.['alignCorners'] === true,
          halfPixelCenters: attrs?.['halfPixelCenters'] === true,
        };
        const matrix = (from: number, to: number) => tf.tensor(interpolationMatrix(from, to, rule), [1, 1, to, from]);
        const across = tf.matMul(dy, matrix(width, outWidth));
        return tf.transpose(tf.matMul(matrix(height, outHeight), across, true), [0, 2, 3, 1]);
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
