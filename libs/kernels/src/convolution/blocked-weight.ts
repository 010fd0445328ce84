import { type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import { toBlocks } from '../blocked-layout.js';

/**
 * [O, I, H, W] to [O / b, I / b, H, W, b of I, b of O], in two steps that both move whole vectors (a transposition of six
 * dimensions takes four times as long): the outputs of a block inwards, as images are reordered, then the taps outwards.
 */
export function blockedWeight(g: GraphBuilder, weight: Value, block: number): Value {
  const [outChannels = 0, inChannels = 0, ...kernel] = weight.shape;
  const taps = product(kernel);
  const outputsInside = blockedOutputs(g, weight, block);
  const split = g.reshape(outputsInside, [(outChannels / block) * (inChannels / block), block, taps, block]);
  return g.reshape(g.transpose(split, [0, 2, 1, 3]), weight.shape);
}

/**
 * The blocked weight of a convolution's input gradient: [O, I, h, w] with its channels swapped, and of its elements those in
 * `taps`, in that order (row by row; in reverse they mirror the kernel): [I / b, O / b, taps, b of O, b of I].
 */
export function blockedSwappedWeight(
  g: GraphBuilder,
  weight: Value,
  { taps, block }: { readonly taps: readonly number[]; readonly block: number },
): Value {
  const [outChannels = 0, inChannels = 0, ...kernel] = weight.shape;
  const count = product(kernel);
  const [outBlocks, inBlocks] = [outChannels / block, inChannels / block];
  const inputsInside = toBlocks(g, g.reshape(weight, [outChannels, inChannels, count, 1]));
  const split = g.reshape(inputsInside, [outBlocks, block, inBlocks, count, block]);
  const swapped = g.transpose(split, [2, 0, 3, 1, 4]);
  return g.apply('Gather', [swapped, g.constant(taps, [taps.length], 'int64')], {
    shape: [inBlocks, outBlocks, taps.length, block, block],
    attributes: { axis: 2 },
  });
}

/** [O, I, H, W] to [O / b, I, H, W, b]: the weight for plain images of fewer channels than a block. */
export function blockedOutputs(g: GraphBuilder, weight: Value, block: number): Value {
  const [outChannels = 0, ...rest] = weight.shape;
  return toBlocks(g, g.reshape(weight, [outChannels / block, block, product(rest), 1]));
}
