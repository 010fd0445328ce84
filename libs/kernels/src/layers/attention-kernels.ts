import * as tf from '@tensorflow/tfjs-core';
import { at, type GraphBuilder, product as elementCount } from '@tributary/onnx-graph';
import { concat, split } from '../joining.js';
import { batchMatMul } from '../matrix-product.js';
import { softmax } from '../reduction.js';
import { binary, unary } from '../symbolic/elementwise.js';
import { kernel, type RecordedKernel } from '../kernel.js';
import { reduce } from '../symbolic/reduce.js';
import { reshapeSymbolic } from '../symbolic/reshape.js';
import { fillFloat, type Symbolic } from '../symbolic/symbolic.js';

export const ATTENTION = 'TributaryAttention';
export const ATTENTION_GRADIENT = 'TributaryAttentionGradient';

/** Pairs of tokens are handled in parts of about this size, of which only one need be in memory at a time. */
const PART_BYTES = 2 ** 22;
/** Each part costs some ten nodes. */
const MAX_PARTS = 16;
/** Attention weights up to this size are kept for the gradient; more are computed again there. */
const KEPT_BYTES = 2 ** 25;

interface ProductOptions {
  readonly left?: boolean;
  readonly right?: boolean;
  readonly isAgain?: boolean;
}

function product(
  g: GraphBuilder,
  operands: readonly [Symbolic, Symbolic],
  { left = false, right = false, isAgain }: ProductOptions = {},
): Symbolic {
  return batchMatMul(g, operands, { transposeA: left, transposeB: right, isAgain });
}

/** [batch, heads, tokens, headDim] as [batch · heads, tokens, headDim]. */
function merge(g: GraphBuilder, s: Symbolic): Symbolic {
  return reshapeSymbolic(g, s, [at(s.shape, 0) * at(s.shape, 1), ...s.shape.slice(2)]);
}

function weightBytes(q: Symbolic, k: Symbolic): number {
  return Float32Array.BYTES_PER_ELEMENT * elementCount(q.shape.slice(0, 3)) * at(k.shape, 2);
}

/** How many of the batch · heads matrices each part takes. */
function partSizes(q: Symbolic, k: Symbolic): number[] {
  const matrices = at(q.shape, 0) * at(q.shape, 1);
  const parts = Math.min(matrices, MAX_PARTS, Math.ceil(weightBytes(q, k) / PART_BYTES));
  const size = Math.ceil(matrices / parts);
  return Array.from({ length: Math.ceil(matrices / size) }, (_, i) => Math.min(size, matrices - i * size));
}

/** P = softmax(q kᵀ); q comes scaled. */
function attentionWeights(g: GraphBuilder, { q, k }: Record<'q' | 'k', Symbolic>, isAgain = false): Symbolic {
  return softmax(g, product(g, [q, k], { right: true, isAgain }), 2);
}

/** y = P v. */
function forward(g: GraphBuilder, { q, k, v }: Record<'q' | 'k' | 'v', Symbolic>): Symbolic {
  const sizes = partSizes(q, k);
  const [qs, ks, vs] = [q, k, v].map((s) => split(g, merge(g, s), { sizes, axis: 0 }));
  const weights = sizes.map((_, i) => attentionWeights(g, { q: at(qs ?? [], i), k: at(ks ?? [], i) }));
  const parts = weights.map((p, i) => product(g, [p, at(vs ?? [], i)]));
  return reshapeSymbolic(g, concat(g, parts, 0), [...q.shape.slice(0, 3), at(v.shape, 3)]);
}

type Part = Record<'dy' | 'q' | 'k' | 'v' | 'y', Symbolic> & { readonly weights: Symbolic };

/**
 * With D = Σ dy · y over each row, dS = P · (dy vᵀ - D), and dq = dS k, dk = dSᵀ q, dv = Pᵀ dy
 * (Dao et al. 2022, "FlashAttention", section 3.1 and appendix B.4). The subtraction is part of the product,
 * [dy, -D] [v, 1]ᵀ, so that only one elementwise operation runs over all pairs of tokens.
 */
function backwardPart(g: GraphBuilder, { dy, q, k, v, y, weights }: Part): [Symbolic, Symbolic, Symbolic] {
  const rowSums = reduce(g, 'ReduceSum', { s: binary(g, 'Mul', [dy, y]), axes: 2, keepDims: true });
  const ones = fillFloat(g, 1, [...v.shape.slice(0, -1), 1]);
  const slopes = product(g, [concat(g, [dy, unary(g, 'Neg', rowSums)], 2), concat(g, [v, ones], 2)], { right: true });
  const dScores = binary(g, 'Mul', [weights, slopes]);
  return [
    product(g, [dScores, k]),
    product(g, [dScores, q], { left: true }),
    product(g, [weights, dy], { left: true }),
  ];
}

/** The weights of a part are the forward pass's own where they are kept (the same operators on the same inputs). */
function backward(g: GraphBuilder, { dy, q, k, v, y }: Record<'dy' | 'q' | 'k' | 'v' | 'y', Symbolic>): Symbolic[] {
  const isKept = weightBytes(q, k) <= KEPT_BYTES;
  const sizes = partSizes(q, k);
  const cut = (s: Symbolic) => split(g, merge(g, s), { sizes, axis: 0 });
  const cuts = { dy: cut(dy), q: cut(q), k: cut(k), v: cut(v), y: cut(y) };
  const parts = sizes.map((_, i) => {
    const part = { dy: at(cuts.dy, i), q: at(cuts.q, i), k: at(cuts.k, i), v: at(cuts.v, i), y: at(cuts.y, i) };
    return backwardPart(g, { ...part, weights: attentionWeights(g, part, !isKept) });
  });
  const join = (index: 0 | 1 | 2, like: Symbolic) =>
    reshapeSymbolic(
      g,
      concat(
        g,
        parts.map((part) => part[index]),
        0,
      ),
      like.shape,
    );
  return [join(0, q), join(1, k), join(2, v)];
}

export const attentionKernels: readonly RecordedKernel[] = [
  {
    ...kernel(ATTENTION, ['q', 'k', 'v'], (g, inputs) => forward(g, inputs)),
    gradient: {
      inputsToSave: ['q', 'k', 'v'],
      outputsToSave: [true],
      gradFunc: (dys, saved) => {
        const [q, k, v, y] = saved;
        const [dy] = [dys].flat();
        if (!q || !k || !v || !y || !dy) throw new RangeError('attention gradient: missing operands');
        const gradients = tf.engine().runKernel<tf.Tensor[]>(ATTENTION_GRADIENT, { dy, q, k, v, y });
        return { q: () => at(gradients, 0), k: () => at(gradients, 1), v: () => at(gradients, 2) };
      },
    },
  },
  kernel(ATTENTION_GRADIENT, ['dy', 'q', 'k', 'v', 'y'], (g, inputs) => backward(g, inputs)),
];
