import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openEngine } from '@tributary/engines';
import { at, product } from '@tributary/onnx-graph';
import { type Arrays, type Engine, record, type StepFunction } from '@tributary/tensor';
import { KNOWN_ANSWERS } from '@tributary/random/known-answers.spec-support';
import { philoxStream, randomPosition, randomStream } from '@tributary/random';
import { dropoutMask, randomNormal, type RandomPosition, randomUniform } from './recorded-random.js';

const SIGNATURE = { inputs: { key: { shape: [2], dtype: 'int32' }, counter: { shape: [4], dtype: 'int32' } } } as const;

type Draw = (position: RandomPosition, shape: readonly number[]) => tf.Tensor;

const stepOf =
  (draw: Draw, shape: readonly number[]): StepFunction =>
  ({ key = tf.scalar(0), counter = tf.scalar(0) }) => ({ outputs: { numbers: draw({ key, counter }, shape) } });

describe.each(['onnx', 'reference'] as const)('random numbers drawn in a step of the %s engine', (name) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await openEngine({ name, threads: 1 });
  });

  afterAll(() => engine.dispose());

  const draw = async (of: Draw, shape: readonly number[], position: Arrays) => {
    const program = await engine.compile(stepOf(of, shape), SIGNATURE);
    const { numbers } = await program.run(position);
    await program.dispose();
    return at([numbers], 0);
  };

  it.each(KNOWN_ANSWERS)('are the published words for counter $counter', async ({ counter, key, words }) => {
    const position = { key: Int32Array.from(key), counter: Int32Array.from(counter) };
    const numbers = await draw(randomUniform, [2, 2], position);
    expect([...numbers].map((u) => u * 2 ** 24)).toEqual(words.map((word) => Math.floor(word / 256)));
  });

  it('are the uniform bits of the stream at that position, also where the counter carries', async () => {
    const shape = [3, 7];
    const position = fc.record({
      key: fc.tuple(fc.integer(), fc.integer()),
      counter: fc.tuple(fc.constantFrom(-1, -3, 5), fc.constantFrom(-1, 0), fc.integer(), fc.integer()),
    });
    const program = await engine.compile(stepOf(randomUniform, shape), SIGNATURE);
    await fc.assert(
      fc.asyncProperty(position, async ({ key, counter }) => {
        const expected = new Float32Array(product(shape));
        philoxStream(Uint32Array.from(key), Uint32Array.from(counter)).fillUniform(expected);
        const { numbers } = await program.run({ key: Int32Array.from(key), counter: Int32Array.from(counter) });
        expect(numbers).toEqual(expected);
      }),
      { numRuns: 20 },
    );
    await program.dispose();
  });

  it('are the normal numbers of the stream of that name, within the rounding of float32', async () => {
    const numbers = await draw(randomNormal, [5, 5, 41], randomPosition(7, 'noise', 'site-a', 3));
    const expected = new Float32Array(5 * 5 * 41);
    randomStream(7, 'noise', 'site-a', 3).fillNormal(expected);
    expect(Math.max(...numbers.map((value, i) => Math.abs(value - at(expected, i))))).toBeLessThan(1e-5);
  });

  it('make masks that keep the mean: zeros with the probability of the rate', async () => {
    const rate = 0.25;
    const count = 10_000;
    const mask = await draw(
      (position, shape) => dropoutMask(position, shape, rate),
      [count],
      randomPosition(1, 'drop'),
    );
    const zeros = mask.filter((value) => value === 0).length;
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    expect(Math.abs(zeros / count - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / count));
  });
});

describe('random numbers drawn in a step', () => {
  it('cannot be recorded for a GPU, by name', () => {
    expect(() => record(stepOf(randomUniform, [4]), SIGNATURE, { device: 'gpu' })).toThrow(
      /TributaryRandomUniform cannot be recorded for a GPU.*recorded-random\.spec\.ts/,
    );
  });

  it('refuse keys, counters and rates that are none', () => {
    const position = { key: tf.zeros([2], 'int32'), counter: tf.zeros([4], 'int32') };
    expect(() => randomUniform({ ...position, key: tf.zeros([2]) }, [1])).toThrow(
      'the key of random numbers is int32 [2]',
    );
    expect(() => randomUniform({ ...position, counter: position.key }, [1])).toThrow('the counter of random numbers');
    for (const rate of [1, -0.1, Number.NaN]) expect(() => dropoutMask(position, [1], rate)).toThrow(RangeError);
  });
});
