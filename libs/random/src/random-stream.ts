import { createHash } from 'node:crypto';
import { philox4x32, UNIFORM_STEP } from './philox.js';

/** A reproducible stream of random numbers. It is for models, data order and tests; never for keys, masks or privacy noise. */
export interface RandomStream {
  /** Uniform on [0, 1), a multiple of 2^-24, hence exact in float32. */
  uniform(): number;
  /** Standard normal (Box and Muller 1958), |value| < 6. */
  normal(): number;
  /** Uniform integer in [0, bound); bound is an integer in [1, 2^32]. Without modulo bias. */
  integer(bound: number): number;
  /** Fills `out` with standard normal numbers. */
  fillNormal(out: Float32Array): void;
  /** Fills `out` with uniform numbers on [0, 1). */
  fillUniform(out: Float32Array): void;
}

class PhiloxStream implements RandomStream {
  readonly #key: Uint32Array;
  readonly #counter: Uint32Array;
  readonly #block = new Uint32Array(4);
  #used = 4;
  #spareNormal: number | undefined;

  constructor(key: Uint32Array, counter: Uint32Array) {
    this.#key = key;
    this.#counter = counter;
  }

  #word(): number {
    if (this.#used === 4) {
      philox4x32(this.#counter, this.#key, this.#block);
      this.#advance();
      this.#used = 0;
    }
    return this.#block[this.#used++] ?? 0;
  }

  #advance(): void {
    const low = ((this.#counter[0] ?? 0) + 1) >>> 0;
    this.#counter[0] = low;
    if (low === 0) this.#counter[1] = ((this.#counter[1] ?? 0) + 1) >>> 0;
  }

  uniform(): number {
    return (this.#word() >>> 8) * UNIFORM_STEP;
  }

  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== undefined) {
      this.#spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`integer bound must be an integer in [1, 2^32], got ${bound}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.#word();
    while (word >= limit) word = this.#word();
    return word % bound;
  }

  fillNormal(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
  }

  fillUniform(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.uniform();
  }
}

/**
 * The stream that belongs to a seed and a name, e.g. `randomStream(7, 'noise', siteId, step)`.
 *
 * Key and upper counter words are the SHA-256 of the seed and the path, so streams with different names never overlap
 * in practice, and a stream does not depend on how much was drawn from another.
 *
 * @param seed Any safe integer.
 * @param path Names and numbers; `'1'` and `1` are different.
 * @throws RangeError when the seed, or a number of the path, is not a safe integer.
 */
export function randomStream(seed: number, ...path: (string | number)[]): RandomStream {
  const { key, counter } = randomPosition(seed, ...path);
  return philoxStream(Uint32Array.from(key), Uint32Array.from(counter));
}

/** The stream of a Philox key (two words) from a counter (four words) on; the two low words of the counter count. */
export function philoxStream(key: Uint32Array, counter: Uint32Array): RandomStream {
  return new PhiloxStream(key, counter);
}

/**
 * Where the stream of that seed and path begins: the words of key [2] and counter [4] as int32, the inputs of `randomUniform` and
 * `randomNormal` in a recorded step.
 * @throws As `randomStream`.
 */
export function randomPosition(
  seed: number,
  ...path: (string | number)[]
): { readonly key: Int32Array; readonly counter: Int32Array } {
  for (const part of [seed, ...path]) {
    if (typeof part === 'number' && !Number.isSafeInteger(part)) {
      throw new RangeError(`a random stream is named by safe integers and strings, got ${part}`);
    }
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...path]))
    .digest();
  const key = Int32Array.of(digest.readInt32LE(0), digest.readInt32LE(4));
  const counter = Int32Array.of(0, 0, digest.readInt32LE(8), digest.readInt32LE(12));
  return { key, counter };
}
