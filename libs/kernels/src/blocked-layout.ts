import {
  at,
  type AttributeMap,
  equalShapes,
  type GraphBuilder,
  NCHWC,
  product,
  type Value,
} from '@tributary/onnx-graph';

/*
 * ONNX Runtime's layout for convolutions: images [N, C, H, W] lie in memory as [N, C / b, H, W, b], channels in blocks that fill a
 * vector register, innermost. The shape stays written as it was. What is the same for every element can be done in either
 * layout, so an image stays blocked from one convolution to the next; who needs it plain takes it from `fromBlocks`, and where
 * nobody does, that reordering is dead code.
 */

/** The blocked value that a plain one has been made of, if so. */
export function blocksBehind(g: GraphBuilder, x: Value): Value | undefined {
  const node = g.producer(x);
  return node?.op === 'ReorderOutput' ? node.inputs[0] : undefined;
}

/** An image in blocks; its channels are a multiple of the block. */
export function toBlocks(g: GraphBuilder, x: Value): Value {
  return blocksBehind(g, x) ?? g.apply('ReorderInput', [x], { shape: x.shape, domain: NCHWC });
}

/** The inverse of `toBlocks`. */
export function fromBlocks(g: GraphBuilder, y: Value): Value {
  const node = g.producer(y);
  if (node?.op === 'ReorderInput') return at(node.inputs, 0);
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

/** What is done to every channel of every example: a factor, a number, and another image. */
export interface ChannelChange {
  /** N · C numbers, as `shift`. */
  readonly scale: Value;
  readonly shift?: Value;
  /** A blocked image. */
  readonly plus?: Value;
}

/** scale · x + shift + plus of blocked images in one pass: a convolution of one pixel, every channel of every example a group. */
export function changeChannels(g: GraphBuilder, x: Value, { scale, shift, plus }: ChannelChange): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const count = batch * channels;
  const image = [1, count, height, width];
  const bias = shift && g.reshape(shift, [count]);
  const inputs = [
    g.reshape(x, image),
    g.reshape(scale, [count, 1, 1, 1]),
    ...(plus ? [bias, g.reshape(plus, image)] : bias ? [bias] : []),
  ];
  const attributes = { group: count, kernel_shape: [1, 1] };
  return g.reshape(g.apply('Conv', inputs, { shape: image, attributes, domain: NCHWC }), x.shape);
}

/** A blocked image with a number added to every channel of every example. */
export interface ShiftedImage {
  readonly image: Value;
  /** N · C numbers; none added when left out. */
  readonly shift?: Value;
}

/** What a blocked image has been made of by adding a number a channel. */
export function shiftBehind(g: GraphBuilder, x: Value): ShiftedImage {
  const reshape = g.producer(x);
  const change = reshape?.op === 'Reshape' ? g.producer(at(reshape.inputs, 0)) : undefined;
  const [image, scale, shift] = change?.op === 'Conv' && change.domain === NCHWC ? change.inputs : [];
  if (!image || !scale || !shift || change?.inputs.length !== 3 || !isOnes(g, scale)) return { image: x };
  return { image: g.reshape(image, x.shape), shift };
}

function isOnes(g: GraphBuilder, scale: Value): boolean {
  const reshape = g.producer(scale);
  const expand = reshape?.inputs[0] && g.producer(reshape.inputs[0]);
  return expand?.op === 'Expand' && expand.inputs[0]?.data?.[0] === 1 && expand.inputs[0].data.length === 1;
}

/** Σ a b over the pixels of blocked images, [N, C, 1, 1]: a convolution whose kernel is an image. */
export function dotPixels(g: GraphBuilder, a: Value, b: Value): Value {
  const [batch = 0, channels = 0, height = 0, width = 0] = a.shape;
  const count = batch * channels;
  const attributes = { group: count, kernel_shape: [height, width] };
  const inputs = [g.reshape(a, [1, count, height, width]), g.reshape(b, [count, 1, height, width])];
  const dots = g.apply('Conv', inputs, { shape: [1, count, 1, 1], attributes, domain: NCHWC });
  return g.reshape(dots, [batch, channels, 1, 1]);
}

/** The mean over the pixels of blocked images, [N, C, 1, 1]; one pixel lies in either layout the same. */
export function meanPixels(g: GraphBuilder, x: Value): Value {
  const [batch = 0, channels = 0] = x.shape;
  return g.apply('GlobalAveragePool', [x], { shape: [batch, channels, 1, 1], domain: NCHWC });
}

interface BlockedCall {
  readonly values: readonly Value[];
  readonly shape: readonly number[];
  readonly attributes?: AttributeMap;
}

/**
 * An operator of float32 operands in the blocked layout, where one of them is blocked already and the others are as
 * large, or one number, or (for a sum or product) one number a channel. The result is given as a plain value.
 */
export function applyBlocked(g: GraphBuilder, op: string, { values, ...spec }: BlockedCall): Value | undefined {
  const { shape } = spec;
  const isWhole = (value: Value) => equalShapes(value.shape, shape);
  const leader = values.find((value) => isWhole(value) && blocksBehind(g, value));
  if (!leader || values.some(({ type }) => type !== 'float32')) return undefined;
  if (values.every((value) => isWhole(value) || product(value.shape) === 1)) {
    const operands = values.map((value) => (isWhole(value) ? toBlocks(g, value) : value));
    return fromBlocks(g, g.apply(op, operands, spec));
  }
  const other = values.find((value) => value !== leader);
  const isPerChannel =
    other && values.length === 2 && product(other.shape.slice(2)) === 1 && other.shape[1] === shape[1];
  return isPerChannel ? applyPerChannel(g, op, { x: toBlocks(g, leader), other }) : undefined;
}

function applyPerChannel(
  g: GraphBuilder,
  op: string,
  { x, other }: { readonly x: Value; readonly other: Value },
): Value | undefined {
  const [batch = 0, channels = 0] = x.shape;
  const convolution = g.producer(x);
  if (op === 'Add' && other.shape[0] === 1 && convolution?.op === 'Conv' && convolution.inputs.length === 2) {
    const { attributes, domain } = convolution;
    const inputs = [...convolution.inputs, g.reshape(other, [channels])];
    return fromBlocks(g, g.apply('Conv', inputs, { shape: x.shape, attributes, domain }));
  }
  const numbers = g.expand(other, [batch, channels, 1, 1]);
  const ones = g.expand(g.scalar(1, 1), [batch * channels]);
  if (op === 'Add') return fromBlocks(g, changeChannels(g, x, { scale: ones, shift: numbers }));
  return op === 'Mul' ? fromBlocks(g, changeChannels(g, x, { scale: numbers })) : undefined;
}
