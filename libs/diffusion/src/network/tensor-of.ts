import type { Tensors } from '@tributary/tensor';
import type { Rank, Tensor } from '@tensorflow/tfjs-core';

/**
 * The tensor `name`, typed by its rank.
 *
 * @throws RangeError when there is none or it has another rank.
 */
export function tensorOf<R extends Rank>(tensors: Tensors, name: string, rank: R): Tensor<R> {
  const value = tensors[name];
  if (!value) throw new RangeError(`there is no tensor ${name}`);
  if (!hasRank(value, rank)) throw new RangeError(`${name} must have rank ${rank}, got R${value.rank}`);
  return value;
}

function hasRank<R extends Rank>(value: Tensor, rank: R): value is Tensor<R> {
  const wanted: string = rank;
  return `R${value.rank}` === wanted;
}
