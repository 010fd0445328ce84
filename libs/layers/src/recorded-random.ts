import * as tf from '@tensorflow/tfjs-core';
import { product } from '@tributary/onnx-graph';
import { RANDOM_UNIFORM } from '@tributary/kernels';
import { hasKernel } from '@tributary/tensor';
import { philoxStream } from '@tributary/random';

/** A position in a stream of random numbers, as inputs of a recorded step: the arrays of `randomPosition`. */
export interface RandomPosition {
  /** [2], int32. */
  readonly key: tf.Tensor;
  /** [4], int32. */
  readonly counter: tf.Tensor;
}

const KEY_WORDS = 2;
const COUNTER_WORDS = 4;

/**
 * Uniform numbers on [0, 1) of any shape, drawn inside a recorded step: the numbers that `fillUniform` of the stream at that position
 * gives, bit for bit. Without gradient.
 * @throws RangeError when key and counter are not int32 of two and four words.
 * @throws RecordingError when recorded for a GPU, whose shaders have no 64-bit integers, or for the engine `tensorflow`.
 */
export function randomUniform({ key, counter }: RandomPosition, shape: readonly number[]): tf.Tensor {
  checkWords('key', key, KEY_WORDS);
  checkWords('counter', counter, COUNTER_WORDS);
  if (hasKernel(RANDOM_UNIFORM)) {
    return tf.engine().runKernel<tf.Tensor>(RANDOM_UNIFORM, { key, counter }, { shape: [...shape] });
  }
  const values = new Float32Array(product(shape));
  philoxStream(wordsOf(key), wordsOf(counter)).fillUniform(values);
  return tf.tensor(values, [...shape]);
}

/**
 * Standard normal numbers of any shape, drawn inside a recorded step (Box and Muller 1958): those that `fillNormal` of the stream at that
 * position gives, within the rounding of float32. Without gradient.
 *
 *   n[2i] = r cos a,  n[2i + 1] = r sin a  with  r = sqrt(-2 log(1 - u[2i])),  a = 2π u[2i + 1]
 *
 * @throws As `randomUniform`.
 */
export function randomNormal(position: RandomPosition, shape: readonly number[]): tf.Tensor {
  const size = product(shape);
  const pairs = Math.ceil(size / 2);
  const [u = tf.scalar(0), v = tf.scalar(0)] = tf.unstack(randomUniform(position, [pairs, 2]), 1);
  const radius = tf.sqrt(tf.mul(tf.log(tf.sub(1, u)), -2));
  const angle = tf.mul(v, 2 * Math.PI);
  const normals = tf.stack([tf.mul(radius, tf.cos(angle)), tf.mul(radius, tf.sin(angle))], 1);
  return tf.reshape(tf.slice(tf.reshape(normals, [2 * pairs]), 0, size), [...shape]);
}

/**
 * Multiplies for dropout (Srivastava et al. 2014, in the inverted form): 0 with probability `rate`, else 1 / (1 - rate).
 * @param rate In [0, 1).
 * @throws RangeError for another rate; else as `randomUniform`.
 */
export function dropoutMask(position: RandomPosition, shape: readonly number[], rate: number): tf.Tensor {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`a dropout rate lies in [0, 1), got ${rate}`);
  const isKept = tf.greaterEqual(randomUniform(position, shape), rate);
  return tf.mul(tf.cast(isKept, 'float32'), 1 / (1 - rate));
}

function checkWords(name: string, { shape, dtype }: tf.Tensor, words: number): void {
  if (shape.join() === String(words) && dtype === 'int32') return;
  throw new RangeError(`the ${name} of random numbers is int32 [${words}], got ${dtype} [${shape.join(', ')}]`);
}

function wordsOf(tensor: tf.Tensor): Uint32Array {
  return Uint32Array.from(tensor.dataSync());
}
