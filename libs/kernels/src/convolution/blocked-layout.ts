import { at, type AttributeMap, type GraphBuilder, MICROSOFT, product, type Value } from '@tributary/onnx-graph';

const NCHWC = `${MICROSOFT}.nchwc`;

/** Images [N, C, H, W] as [N, C / b, H, W, b]: channels in blocks that fill a vector register, innermost. The shape stays written as it was. */
export function toBlocks(g: GraphBuilder, x: Value): Value {
  return g.apply('ReorderInput', [x], { shape: x.shape, domain: NCHWC });
}

/** The inverse of `toBlocks`. */
export function fromBlocks(g: GraphBuilder, y: Value): Value {
  return g.apply('ReorderOutput', [y], { shape: y.shape, attributes: { channels: at(y.shape, 1) }, domain: NCHWC });
}

/** Convolution of blocked images with a blocked weight, to blocked images of `shape`. */
export function blockedConvolution(
  g: GraphBuilder,
  { x, weight }: { x: Value; weight: Value },
  spec: { readonly shape: readonly number[]; readonly attributes: AttributeMap },
): Value {
  return g.apply('Conv', [x, weight], { ...spec, domain: NCHWC });
}

/**
 * [O, I, H, W] to [O / b, I / b, H, W, b of I, b of O], in two steps that both move whole vectors (a transposition of six
 * dimensions takes four times as long): the outputs of a block inwards, as images are reordered, then the taps outwards.
 */
export function blockedWeight(g: GraphBuilder, weight: Value, block: number): Value {
  const [outChannels = 0, inChannels = 0, ...kernel] = weight.shape;
  const taps = product(kernel);
  const outBlocks = outChannels / block;
  const outputsInside = toBlocks(g, g.reshape(weight, [outBlocks, block, inChannels * taps, 1]));
  const split = g.reshape(outputsInside, [(outBlocks * inChannels) / block, block, taps, block]);
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
