import * as tf from '@tensorflow/tfjs-core';
import { tensorflowKernel, typeAttribute } from './tensorflow-kernel.js';

/** What our gradients pass on. */
interface ResizeRule {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** Reads no indices: tfjs-node's own kernel looks at them, which a recording cannot. */
const gather = tensorflowKernel<'x' | 'indices', tf.GatherV2Attrs>(
  'GatherV2',
  ({ inputs: { x, indices }, attributes: { axis, batchDims }, backend }) => {
    const along = tf.scalar(axis, 'int32');
    const attributes = [
      { name: 'batch_dims', type: backend.binding.TF_ATTR_INT, value: batchDims },
      typeAttribute(backend, x, 'Tparams'),
      typeAttribute(backend, indices, 'Tindices'),
      typeAttribute(backend, along, 'Taxis'),
    ];
    return backend.executeSingleOutput('GatherV2', attributes, [x, indices, along]);
  },
);

/** tfjs-node has no such kernel. */
const broadcastTo = tensorflowKernel<'x', tf.BroadCastToAttrs>(
  'BroadcastTo',
  ({ inputs: { x }, attributes, backend }) => {
    const shape = tf.tensor1d([...attributes.shape], 'int32');
    return backend.executeSingleOutput(
      'BroadcastTo',
      [typeAttribute(backend, x), typeAttribute(backend, shape, 'Tidx')],
      [x, shape],
    );
  },
);

/** tfjs-node's own kernels call tensors' methods, which exist only where the whole of tfjs is loaded. */
const logSoftmax = tensorflowKernel<'logits', tf.LogSoftmaxAttrs>('LogSoftmax', ({ inputs: { logits }, backend }) =>
  backend.executeSingleOutput('LogSoftmax', [typeAttribute(backend, logits)], [logits]),
);

const prelu = tensorflowKernel<'x' | 'alpha'>('Prelu', ({ inputs: { x, alpha } }) =>
  tf.add(tf.relu(x), tf.mul(alpha, tf.minimum(x, 0))),
);

/** tfjs-node's own kernels take no half-pixel centres. `sizesOf` is what TensorFlow wants to know of the images. */
function resizeGradient(name: string, sizesOf: (images: tf.Tensor) => tf.Tensor) {
  return tensorflowKernel<'images' | 'dy', ResizeRule>(name, ({ inputs: { images, dy }, attributes, backend }) => {
    const { TF_ATTR_BOOL } = backend.binding;
    const opAttributes = [
      typeAttribute(backend, images),
      { name: 'align_corners', type: TF_ATTR_BOOL, value: attributes.alignCorners },
      { name: 'half_pixel_centers', type: TF_ATTR_BOOL, value: attributes.halfPixelCenters },
    ];
    return backend.executeSingleOutput(name, opAttributes, [dy, sizesOf(images)]);
  });
}

const resizeGradients = [
  resizeGradient('ResizeBilinearGrad', (images) => images),
  resizeGradient('ResizeNearestNeighborGrad', ({ shape }) => tf.tensor1d(shape.slice(1, 3), 'int32')),
];

export const mendedKernels = [...resizeGradients, gather, broadcastTo, logSoftmax, prelu];
