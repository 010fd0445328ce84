import { attention } from '@tributary/layers';
import * as tf from '@tensorflow/tfjs-core';
import { asImages, type Images } from './images.js';
import { applyLinear, applyNorm, type BlockContext } from './forward-pass.js';
import type { AttentionShape, LinearShape } from './unet-structure.js';

/**
 * Self-attention over all pixels or voxels with a residual connection: diffusers' `Attention` inside a `UNet2DModel`.
 *
 * @throws RangeError when the channels do not divide into heads.
 */
export function applyAttention(context: BlockContext, shape: AttentionShape, x: Images): Images {
  const { channels } = shape;
  const headDim = context.config.attentionHeadDim ?? channels;
  const heads = channels / headDim;
  if (!Number.isInteger(heads)) throw new RangeError(`${channels} channels do not divide into heads of ${headDim}`);
  const [batch] = x.shape;
  const tokens = x.size / batch / channels;
  const rows = tf.reshape(shape.norm ? applyNorm(context, shape.norm, x) : x, [batch, tokens, channels]);
  const project = (projection: LinearShape): tf.Tensor4D =>
    tf.transpose(tf.reshape(applyLinear(context, projection, rows), [batch, tokens, heads, headDim]), [0, 2, 1, 3]);

  const mixed = attention(project(shape.query), project(shape.key), project(shape.value));
  const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, channels]);
  const output = tf.reshape(applyLinear(context, shape.output, merged), [...x.shape]);
  const result = asImages(tf.add(x, output));
  context.observe?.(shape.name, result);
  return result;
}
