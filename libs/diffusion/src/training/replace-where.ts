import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '@tributary/tensor';

/**
 * The vectors of `after` where the condition [1] holds, else those of the same name of `before`.
 * @throws RangeError for a name that `before` has not.
 */
export function replaceWhere(condition: tf.Tensor, before: Readonly<Tensors>, after: Readonly<Tensors>): Tensors {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => {
      const kept = before[name];
      if (!kept) throw new RangeError(`there is no state ${name}`);
      return [name, tf.where(condition, value, kept)];
    }),
  );
}
