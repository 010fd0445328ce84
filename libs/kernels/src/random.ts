import { at, type AttributeMap, DATA_TYPE, type GraphBuilder, product, range, type Value } from '@tributary/onnx-graph';
import { MULTIPLIER_0, MULTIPLIER_1, ROUNDS, UNIFORM_STEP, WEYL_0, WEYL_1 } from '@tributary/random/philox';
import { kernel, type RecordedKernel } from './kernel.js';
import { denseInOrder, plain } from './symbolic/symbolic.js';

export const RANDOM_UNIFORM = 'TributaryRandomUniform';

const WORD_MASK = 0xffffffff;
const WORD_BITS = 32;
const WORDS = 4;
/** Bits of a word that a float32 has no place for. */
const DROPPED_BITS = 8;

/** Vectors of 32-bit words, each in a 64-bit integer, so that a product of two words is whole. */
class WordGraph {
  constructor(readonly g: GraphBuilder) {}

  constant(...words: number[]): Value {
    return this.g.constant(words, [words.length], 'uint64');
  }

  apply(op: string, a: Value, b: Value): Value {
    const shape = [Math.max(product(a.shape), product(b.shape))];
    const attributes: AttributeMap = op === 'BitShift' ? { direction: 'RIGHT' } : {};
    return this.g.apply(op, [a, b], { shape, attributes });
  }

  add = (a: Value, b: Value) => this.apply('Add', a, b);
  multiply = (a: Value, b: Value) => this.apply('Mul', a, b);
  xor = (a: Value, b: Value) => this.apply('BitwiseXor', a, b);
  low = (value: Value) => this.apply('BitwiseAnd', value, this.constant(WORD_MASK));
  shiftRight = (value: Value, bits: number) => this.apply('BitShift', value, this.constant(bits));
  high = (value: Value) => this.shiftRight(value, WORD_BITS);

  /** The words of an int32 vector; a negative number is extended by its sign, which is cut off again. */
  wordsOf(vector: Value): Value[] {
    const spec = { shape: vector.shape, type: 'uint64', attributes: { to: DATA_TYPE.uint64 } } as const;
    const words = this.low(this.g.apply('Cast', [vector], spec));
    return range(product(vector.shape)).map((i) =>
      this.g.apply('Slice', [words, this.g.int64([i]), this.g.int64([i + 1])], { shape: [1] }),
    );
  }
}

/** Counters of `blocks` blocks one after the other: the two low words count, with carry. */
function countersOf(words: WordGraph, counter: Value, blocks: number): Value[] {
  const [c0, c1, c2, c3] = words.wordsOf(counter);
  if (!c0 || !c1 || !c2 || !c3) throw new RangeError('a counter has four words');
  const start = words.add(words.multiply(c1, words.constant(2 ** WORD_BITS)), c0);
  const count = words.add(start, words.constant(...range(blocks)));
  return [words.low(count), words.high(count), c2, c3];
}

/** Philox 4x32-10 of every counter, as `philox4x32` computes it; four vectors of words. */
function philox(words: WordGraph, counters: readonly Value[], key: Value): Value[] {
  let [c0, c1, c2, c3] = [at(counters, 0), at(counters, 1), at(counters, 2), at(counters, 3)];
  const keys = words.wordsOf(key);
  let [k0, k1] = [at(keys, 0), at(keys, 1)];
  for (let round = 0; round < ROUNDS; round++) {
    const product0 = words.multiply(c0, words.constant(MULTIPLIER_0));
    const product1 = words.multiply(c2, words.constant(MULTIPLIER_1));
    c0 = words.xor(words.xor(words.high(product1), c1), k0);
    c2 = words.xor(words.xor(words.high(product0), c3), k1);
    c1 = words.low(product1);
    c3 = words.low(product0);
    k0 = words.low(words.add(k0, words.constant(WEYL_0)));
    k1 = words.low(words.add(k1, words.constant(WEYL_1)));
  }
  return [c0, c1, c2, c3];
}

/** `size` numbers on [0, 1): the upper 24 bits of the words, in their order. */
function uniform(g: GraphBuilder, { key, counter }: Record<'key' | 'counter', Value>, size: number): Value {
  const words = new WordGraph(g);
  const blocks = Math.ceil(size / WORDS);
  const made = philox(words, countersOf(words, counter, blocks), key);
  const columns = made.map((word) => g.reshape(g.expand(words.shiftRight(word, DROPPED_BITS), [blocks]), [blocks, 1]));
  const all = g.apply('Concat', columns, { shape: [blocks, WORDS], attributes: { axis: 1 } });
  const numbers = g.apply('Cast', [g.reshape(all, [blocks * WORDS])], {
    shape: [blocks * WORDS],
    type: 'float32',
    attributes: { to: DATA_TYPE.float32 },
  });
  const drawn = g.apply('Slice', [numbers, g.int64([0]), g.int64([size])], { shape: [size] });
  return g.apply('Mul', [drawn, g.scalar(UNIFORM_STEP)], { shape: [size] });
}

export const randomKernels: readonly RecordedKernel[] = [
  kernel(RANDOM_UNIFORM, ['key', 'counter'], (g, { key, counter }, { shape }: { shape: number[] }) => {
    if (g.target.device === 'gpu') throw new RangeError(`${RANDOM_UNIFORM} cannot be recorded for a GPU`);
    const position = { key: denseInOrder(g, key), counter: denseInOrder(g, counter) };
    return plain(g.reshape(uniform(g, position, product(shape)), shape));
  }),
];
