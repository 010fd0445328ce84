import * as tf from '@tensorflow/tfjs-core';
import { replaceWhere } from './replace-where.js';

/** Length of the vector `part` of a step in parts: whether the first and whether the last part runs, as 0 or 1. */
export const PART_FLAGS = 2;

/** The flags of part `index` of `count`. */
export function partFlags(index: number, count: number): Float32Array {
  return Float32Array.of(index === 0 ? 1 : 0, index === count - 1 ? 1 : 0);
}

type Vectors = Readonly<Record<string, tf.Tensor>>;

export interface GradientPart {
  /** [PART_FLAGS] */
  readonly flags: tf.Tensor1D;
  /** Mean gradient of this part's examples. */
  readonly gradient: tf.Tensor1D;
  /** Sum over the parts before it. */
  readonly sum: tf.Tensor1D;
  /** Parts of a step. */
  readonly count: number;
}

/** The sum with this part's share of the mean over the whole batch; parts are equally large. */
export function addPart({ flags, gradient, sum, count }: GradientPart): tf.Tensor1D {
  const share: tf.Tensor1D = tf.div(gradient, count);
  return tf.where(flagAt(flags, 0), share, tf.add(sum, share));
}

/** The state after the last part is the optimiser's; after the others it is what it was. */
export function afterLastPart(flags: tf.Tensor1D, before: Vectors, after: Vectors): Record<string, tf.Tensor> {
  return replaceWhere(flagAt(flags, 1), before, after);
}

function flagAt(flags: tf.Tensor1D, index: number): tf.Tensor {
  return tf.greater(tf.slice(flags, [index], [1]), 0.5);
}

type Values = Float32Array | Int32Array;

/** Rows of one part of a batch: each array [batch, …] is cut into `count` equal parts along its first dimension. */
export function partOfBatch<T extends Values>(
  arrays: Readonly<Record<string, T>>,
  index: number,
  count: number,
): Record<string, Values> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, values]) => {
      const size = values.length / count;
      return [name, values.subarray(index * size, (index + 1) * size)];
    }),
  );
}
