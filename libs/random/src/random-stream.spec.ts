import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KNOWN_ANSWERS } from './known-answers.spec-support.js';
import { philox4x32 } from './philox.js';
import { randomStream } from './random-stream.js';

describe('philox4x32', () => {
  it.each(KNOWN_ANSWERS)('gives the published words for counter $counter', ({ counter, key, words }) => {
    const out = new Uint32Array(4);
    philox4x32(Uint32Array.from(counter), Uint32Array.from(key), out);
    expect([...out]).toEqual(words);
  });
});

describe('randomStream', () => {
  it('gives the same numbers for the same seed and path', () => {
    const first = randomStream(7, 'noise', 'site-a', 3);
    const second = randomStream(7, 'noise', 'site-a', 3);
    expect(Array.from({ length: 9 }, () => first.normal())).toEqual(Array.from({ length: 9 }, () => second.normal()));
  });

  it('gives other numbers for another seed, name, order of names, or kind of name', () => {
    const starts = [
      randomStream(7, 'a', 'b'),
      randomStream(8, 'a', 'b'),
      randomStream(7, 'b', 'a'),
      randomStream(7, 'ab'),
      randomStream(7, 'a', 1),
      randomStream(7, 'a', '1'),
    ].map((stream) => stream.uniform());
    expect(new Set(starts).size).toBe(starts.length);
  });

  it('fills arrays with the numbers that single draws give', () => {
    const filled = new Float32Array(7);
    randomStream(1, 'x').fillNormal(filled);
    const single = randomStream(1, 'x');
    expect([...filled]).toEqual(Array.from({ length: 7 }, () => Math.fround(single.normal())));
    randomStream(1, 'x').fillUniform(filled);
    expect(filled[0]).toBe(randomStream(1, 'x').uniform());
  });

  it('has the moments of the standard normal and of the uniform distribution', () => {
    const count = 40_000;
    const normals = new Float32Array(count);
    const uniforms = new Float32Array(count);
    randomStream(3, 'moments').fillNormal(normals);
    randomStream(4, 'moments').fillUniform(uniforms);
    const moment = (values: Float32Array, power: number) => values.reduce((sum, v) => sum + v ** power, 0) / count;
    const fiveSigma = 5 / Math.sqrt(count);
    expect(Math.abs(moment(normals, 1))).toBeLessThan(fiveSigma);
    expect(Math.abs(moment(normals, 2) - 1)).toBeLessThan(fiveSigma * Math.sqrt(2));
    expect(Math.abs(moment(normals, 4) - 3)).toBeLessThan(fiveSigma * Math.sqrt(96));
    expect(Math.abs(moment(uniforms, 1) - 1 / 2)).toBeLessThan(fiveSigma * Math.sqrt(1 / 12));
    expect(Math.abs(moment(uniforms, 2) - 1 / 3)).toBeLessThan(fiveSigma * Math.sqrt(4 / 45));
  });

  it('draws integers below any bound, and reaches both ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer(), (bound, seed) => {
        const value = randomStream(seed, 'integer').integer(bound);
        return Number.isInteger(value) && value >= 0 && value < bound;
      }),
    );
    const dice = randomStream(5, 'dice');
    const seen = new Set(Array.from({ length: 200 }, () => dice.integer(6)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32 + 1])('refuses the integer bound %p', (bound) => {
    expect(() => randomStream(1).integer(bound)).toThrow(RangeError);
  });

  it('refuses a seed that is not a safe integer', () => {
    expect(() => randomStream(0.5)).toThrow(RangeError);
    expect(() => randomStream(1, Number.NaN)).toThrow(RangeError);
  });
});
