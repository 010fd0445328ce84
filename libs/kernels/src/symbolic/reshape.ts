import { at, equalShapes, type GraphBuilder, range } from '@tributary/onnx-graph';
import { arrange, fill, fillValue, symbolic, type Symbolic } from './symbolic.js';

/** Logical dimensions of the old and the new shape that hold the same elements, e.g. [H, W] and [H*W]. */
interface Block {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Reshape that keeps the physical order where it can: dimensions are matched in blocks of equal size, and a transpose
 * is written only when a block's dimensions are not neighbours in memory (as the channels of NCHW against NHWC pixels).
 */
export function reshapeSymbolic(g: GraphBuilder, s: Symbolic, shape: readonly number[]): Symbolic {
  if (equalShapes(s.shape, shape)) return s;
  const constant = fillValue(s);
  if (constant !== undefined) return fill(g, shape, { value: constant, type: s.type });
  const blocks = matchBlocks(s.shape, shape);
  const source = expandSplitBroadcasts(g, s, blocks);
  const isBroadcast = (axis: number) => source.value.shape[source.order.indexOf(axis)] === 1;
  const place = new Map(source.order.filter((axis) => at(s.shape, axis) > 1).map((axis, k) => [axis, k]));
  const placeOf = (axis: number) => place.get(axis) ?? -1;
  const sorted = [...blocks].sort((a, b) => Math.max(...a.from.map(placeOf)) - Math.max(...b.from.map(placeOf)));
  const inPlace = blocks.every((block) => block.from.every(isBroadcast) || areNeighbours(block.from.map(placeOf)));
  const ones = range(s.shape.length).filter((axis) => s.shape[axis] === 1);
  const value = inPlace ? source.value : arrange(g, source, [...sorted.flatMap((block) => block.from), ...ones]);
  const broadcast = new Set(blocks.filter((block) => block.from.every(isBroadcast)).flatMap((block) => block.to));
  const order = insertOnes(
    sorted.flatMap((block) => block.to),
    shape,
  );
  const physical = order.map((axis) => (broadcast.has(axis) ? 1 : at(shape, axis)));
  return symbolic(g.reshape(value, physical), order, [...shape]);
}

function matchBlocks(from: readonly number[], to: readonly number[]): Block[] {
  const left = range(from.length).filter((axis) => at(from, axis) > 1);
  const right = range(to.length).filter((axis) => at(to, axis) > 1);
  const blocks: Block[] = [];
  for (let i = 0, o = 0; i < left.length && o < right.length;) {
    const block = { from: [at(left, i)], to: [at(right, o)] };
    let fromSize = at(from, at(left, i++));
    let toSize = at(to, at(right, o++));
    while (fromSize !== toSize) {
      if (fromSize < toSize) {
        block.from.push(at(left, i));
        fromSize *= at(from, at(left, i++));
      } else {
        block.to.push(at(right, o));
        toSize *= at(to, at(right, o++));
      }
    }
    blocks.push(block);
  }
  return blocks;
}

/** A block that is broadcast in some of its dimensions only must be carried out before its dimensions are merged. */
function expandSplitBroadcasts(g: GraphBuilder, s: Symbolic, blocks: readonly Block[]): Symbolic {
  const isBroadcast = (axis: number) => s.value.shape[s.order.indexOf(axis)] === 1;
  const split = blocks.some(({ from }) => from.some(isBroadcast) && !from.every(isBroadcast));
  if (!split) return s;
  const physical = s.order.map((axis) => at(s.shape, axis));
  return symbolic(g.expand(s.value, physical), s.order, s.shape);
}

function areNeighbours(places: readonly number[]): boolean {
  return places.every((place, i) => i === 0 || place === at(places, i - 1) + 1);
}

function insertOnes(order: readonly number[], shape: readonly number[]): number[] {
  const complete = [...order];
  shape.forEach((size, axis) => {
    if (size === 1) complete.splice(axis === 0 ? 0 : complete.indexOf(axis - 1) + 1, 0, axis);
  });
  return complete;
}
