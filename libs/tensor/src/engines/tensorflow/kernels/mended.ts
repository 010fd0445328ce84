import * as tf from '@tensorflow/tfjs-core';
import { tensorflowKernel, typeAttribute } from './tensorflow-kernel.js';

/** What our gradient passes on beside tfjs's own attributes. */
interface ResizeRule {
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

/** tfjs-node's own kernel takes no half-pixel centres. */
const resizeBilinearGradient = tensorflowKernel<'images' | 'dy', tf.ResizeBilinearGradAttrs & ResizeRule>(
  'ResizeBilinearGrad',
  ({ inputs: { images, dy }, attributes: { alignCorners, halfPixelCenters }, backend }) => {
    const { TF_ATTR_BOOL } = backend.binding;
    const attributes = [
      typeAttribute(backend, images),
      { name: 'align_corners', type: TF_ATTR_BOOL, value: alignCorners },
      { name: 'half_pixel_centers', type: TF_ATTR_BOOL, value: halfPixelCenters },
    ];
    return backend.executeSingleOutput('ResizeBilinearGrad', attributes, [dy, images]);
  },
);

export const mendedKernels = [resizeBilinearGradient, gather, broadcastTo, logSoftmax, prelu];
