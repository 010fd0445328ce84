import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { scopeRandom, shuffle } from './random-source.js';

describe('shuffle', () => {
  it('keeps every item, and leaves its argument alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(99), (items, seed) => {
        const before = [...items];
        const shuffled = shuffle(items, randomStream(seed, 'shuffle'));
        expect(shuffled.toSorted((a, b) => a - b)).toEqual(before.toSorted((a, b) => a - b));
        expect(items).toEqual(before);
      }),
    );
  });

  it('gives each of the six orders of three items its share', () => {
    const counts = new Map<string, number>();
    const random = randomStream(1, 'orders');
    for (let draw = 0; draw < 6000; draw++) {
      const order = shuffle(['a', 'b', 'c'], random).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    // Binomial(6000, 1/6): mean 1000, standard deviation 29; five of them either way.
    expect([...counts.values()].every((count) => Math.abs(count - 1000) < 145)).toBe(true);
    expect(counts.size).toBe(6);
  });
});

describe('scopeRandom', () => {
  it('puts its prefix before every name', () => {
    const names: unknown[] = [];
    scopeRandom((...path) => (names.push(path), randomStream(0)), 'site', 3)('noise', 'base');
    expect(names).toEqual([['site', 3, 'noise', 'base']]);
  });
});
