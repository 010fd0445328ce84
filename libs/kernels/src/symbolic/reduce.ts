import { util } from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product, type Value } from '@tributary/onnx-graph';
import { blocksBehind, meanPixels } from '../blocked-layout.js';
import { binary } from './elementwise.js';
import { dropDimensions, fill, symbolic, type Symbolic } from './symbolic.js';

export type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';

/** Reduces over logical axes; a broadcast dimension is not carried out (a sum over it multiplies). */
export function reduce(
  g: GraphBuilder,
  op: Reduction,
  { s, axes, keepDims = false }: { s: Symbolic; axes?: number | number[]; keepDims?: boolean },
): Symbolic {
  const logical = util.parseAxisParam(axes ?? [...s.shape.keys()], [...s.shape]);
  const isReduced = (k: number) => logical.includes(at(s.order, k));
  const physical = [...s.order.keys()].filter((k) => isReduced(k) && at(s.value.shape, k) > 1);
  const repeated = [...s.order.keys()].filter((k) => isReduced(k) && s.value.shape[k] === 1);
  const shape = s.value.shape.map((size, k) => (physical.includes(k) ? 1 : size));
  const value = physical.length > 0 ? reduceValue(g, op, { value: s.value, dimensions: physical, shape }) : s.value;
  const reduced = symbolic(
    value,
    s.order,
    s.shape.map((size, axis) => (logical.includes(axis) ? 1 : size)),
  );
  const result = repeat(g, op, { s: reduced, count: product(repeated.map((k) => at(s.shape, at(s.order, k)))) });
  return keepDims ? result : dropDimensions(g, result, logical);
}

interface ValueReduction {
  readonly value: Value;
  readonly dimensions: readonly number[];
  readonly shape: readonly number[];
}

/** A sum or mean over all pixels of a blocked image (and over examples) is taken as the image lies. */
function reduceValue(g: GraphBuilder, op: Reduction, { value, dimensions, shape }: ValueReduction): Value {
  const blocks = blocksBehind(g, value);
  const isOfPixels = [2, 3].every((k) => dimensions.includes(k)) && !dimensions.includes(1);
  const attributes = { keepdims: 1 };
  if (!blocks || !isOfPixels || (op !== 'ReduceSum' && op !== 'ReduceMean'))
    return g.apply(op, [value, g.int64(dimensions)], { shape, attributes });
  const mean = meanPixels(g, blocks);
  const pixels = g.scalar(product(value.shape.slice(2)));
  const ofImages = op === 'ReduceMean' ? mean : g.apply('Mul', [mean, pixels], { shape: mean.shape });
  return dimensions.includes(0) ? g.apply(op, [ofImages, g.int64([0])], { shape, attributes }) : ofImages;
}

/** What reducing over a dimension that repeats one number `count` times still has to do. */
function repeat(g: GraphBuilder, op: Reduction, { s, count }: { s: Symbolic; count: number }): Symbolic {
  if (count === 1 || op === 'ReduceMean' || op === 'ReduceMax' || op === 'ReduceMin') return s;
  const constant = fill(g, [], { value: count, type: s.type });
  return binary(g, op === 'ReduceProd' ? 'Pow' : 'Mul', [s, constant]);
}
