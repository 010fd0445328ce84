import * as tf from '@tensorflow/tfjs-core';
import { at, type AttributeMap, type GraphBuilder, MICROSOFT, product, range, type Value } from '@tributary/onnx-graph';
import { einsumLetters } from './einsum-equation.js';
import { kernel, listKernel, type RecordedKernel } from './kernel.js';
import { dense, denseInOrder, padRank, plain, symbolic, type Symbolic } from './symbolic/symbolic.js';

/** `left · right` over the last two dimensions, either side read transposed. */
export interface MatrixProduct {
  readonly left: Value;
  readonly right: Value;
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  readonly shape: readonly number[];
  /** Compute again even if the same product exists: to trade work for memory. */
  readonly isAgain?: boolean;
}

/** A matrix product; transposition happens inside the product on the CPU, before it elsewhere (no FusedMatMul there). */
export function multiply(g: GraphBuilder, call: MatrixProduct): Value {
  const { left, right, transposeLeft = false, transposeRight = false, shape, isAgain = false } = call;
  if (!transposeLeft && !transposeRight && !isAgain) return g.apply('MatMul', [left, right], { shape });
  if (g.target.device !== 'cpu') {
    const a = transposeLeft ? swapLast(g, left) : left;
    const b = transposeRight ? swapLast(g, right) : right;
    return g.apply('MatMul', [a, b], { shape });
  }
  // The default written out: to this package and to ONNX Runtime alike, another operator than the same one without it.
  const fresh: AttributeMap = isAgain ? { alpha: { float: 1 } } : {};
  const attributes = { transA: Number(transposeLeft), transB: Number(transposeRight), ...fresh };
  return g.apply('FusedMatMul', [left, right], { shape, attributes, domain: MICROSOFT });
}

function swapLast(g: GraphBuilder, value: Value): Value {
  const rank = value.shape.length;
  return g.transpose(value, [...range(rank - 2), rank - 1, rank - 2]);
}

/**
 * Reads each operand in the order it is stored in, and writes the result so that the reader needs no transpose either: the product
 * of turned columns, or of turned rows and one matrix for the whole batch (channels that a weight makes of channels), is turned.
 */
export function batchMatMul(
  g: GraphBuilder,
  [a, b]: readonly [Symbolic, Symbolic],
  attributes: tf.BatchMatMulAttrs & Pick<MatrixProduct, 'isAgain'>,
): Symbolic {
  const { isAgain } = attributes;
  const rank = Math.max(a.shape.length, b.shape.length);
  const left = padRank(g, a, rank);
  const right = padRank(g, b, rank);
  const [rows, leftInner] = attributes.transposeA ? [rank - 1, rank - 2] : [rank - 2, rank - 1];
  const [columns, rightInner] = attributes.transposeB ? [rank - 2, rank - 1] : [rank - 1, rank - 2];
  if (left.shape[leftInner] !== right.shape[rightInner]) {
    throw new RangeError(`matMul: inner dimensions ${left.shape[leftInner]} and ${right.shape[rightInner]} differ`);
  }
  const batch = tf.backend_util.assertAndGetBroadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const [m, n] = [at(left.shape, rows), at(right.shape, columns)];
  const innerFirst = left.order.indexOf(leftInner) < left.order.indexOf(rows);
  const columnsFirst = right.order.indexOf(columns) < right.order.indexOf(rightInner);
  const outer = range(rank - 2);
  const leftValue = dense(g, left, innerFirst ? [...outer, leftInner, rows] : [...outer, rows, leftInner]);
  const rightValue = dense(g, right, columnsFirst ? [...outer, columns, rightInner] : [...outer, rightInner, columns]);
  const isOfOneMatrix = product(right.shape.slice(0, -2)) === 1;
  if (rank > 2 && (columnsFirst || (innerFirst && isOfOneMatrix))) {
    const sides = { left: rightValue, right: leftValue, transposeLeft: !columnsFirst, transposeRight: !innerFirst };
    const turned = multiply(g, { ...sides, shape: [...batch, n, m], isAgain });
    return symbolic(turned, [...outer, rank - 1, rank - 2], [...batch, m, n]);
  }
  const sides = { left: leftValue, right: rightValue, transposeLeft: innerFirst, transposeRight: columnsFirst };
  const shape = [...batch, m, n];
  return symbolic(multiply(g, { ...sides, shape, isAgain }), range(rank), shape);
}

/** @throws RangeError when a letter has two sizes. */
function einsum(g: GraphBuilder, inputs: readonly Symbolic[], equation: string): Symbolic {
  const { operands, output } = einsumLetters(equation);
  const sizes = new Map<string, number>();
  operands.forEach((letters, i) =>
    letters.forEach((letter, axis) => {
      const size = at(at(inputs, i).shape, axis);
      if ((sizes.get(letter) ?? size) !== size) throw new RangeError(`einsum: ${letter} has two sizes in ${equation}`);
      sizes.set(letter, size);
    }),
  );
  const shape = output.map((letter) => sizes.get(letter) ?? 1);
  const values = inputs.map((s) => denseInOrder(g, s));
  return plain(g.apply('Einsum', values, { shape, attributes: { equation } }));
}

export const matrixProductKernels: readonly RecordedKernel[] = [
  listKernel('Einsum', (g, inputs, { equation }: tf.EinsumAttrs) => einsum(g, inputs, equation)),
  kernel('BatchMatMul', ['a', 'b'], (g, { a, b }, attributes: tf.BatchMatMulAttrs) =>
    batchMatMul(g, [a, b], attributes),
  ),
];
