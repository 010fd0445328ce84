import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { squaredNorm } from '../aggregation/measures.js';
import { linearCombination } from './linear-combination.js';

const bits = (values: Float64Array) => [...new BigUint64Array(values.buffer, values.byteOffset, values.length)];

/** One update after the other, one number after the other. */
function plainSum(coefficients: readonly number[], updates: readonly Float32Array[], length: number): Float64Array {
  const sum = new Float64Array(length);
  for (const [site, values] of updates.entries()) {
    const coefficient = coefficients[site] ?? 0;
    if (coefficient !== 0) for (let i = 0; i < length; i++) sum[i] = (sum[i] ?? 0) + coefficient * (values[i] ?? 0);
  }
  return sum;
}

const rounds = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom(0, 1, 3, 4, 1023, 1024, 1025, 2050, 4096))
  .chain(([sites, length]) =>
    fc.record({
      coefficients: fc.array(fc.constantFrom(0, 0.1, 0.25, 1 / 3, 0.7), { minLength: sites, maxLength: sites }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      length: fc.constant(length),
    }),
  );

const updatesOf = (sites: number, length: number, seed: number): Float32Array[] =>
  Array.from({ length: sites }, (_, site) =>
    Float32Array.from({ length }, (__, i) => Math.sin(seed * (site + 1) + i * 0.37) * 10 ** ((i % 7) - 3)),
  );

describe('linearCombination', () => {
  it('has the bits of adding one update after the other, measured or not', () => {
    fc.assert(
      fc.property(rounds, ({ coefficients, seed, length }) => {
        const updates = updatesOf(coefficients.length, length, seed);
        const expected = bits(plainSum(coefficients, updates, length));
        const combine = linearCombination(coefficients);
        const [plain, measured] = [new Float64Array(length).fill(9), new Float64Array(length).fill(9)];
        combine(updates, plain);
        combine.measured?.(updates, measured, new Float64Array(coefficients.length));
        expect(bits(plain)).toEqual(expected);
        expect(bits(measured)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('measures every update with the bits of squaredNorm, those that it does not add too', () => {
    fc.assert(
      fc.property(rounds, ({ coefficients, seed, length }) => {
        const updates = updatesOf(coefficients.length, length, seed);
        const norms = Float64Array.from(coefficients, (_, site) => site / 3);
        const expected = Float64Array.from(updates, (values, site) => squaredNorm(values, site / 3));
        linearCombination(coefficients).measured?.(updates, new Float64Array(length), norms);
        expect(bits(norms)).toEqual(bits(expected));
      }),
      { numRuns: 60 },
    );
  });

  it.each([NaN, Infinity, -Infinity])('shows %p in the norm of its site alone', (bad) => {
    const updates = updatesOf(4, 2000, 5);
    updates[2]?.set([bad], 1500);
    const norms = new Float64Array(4);
    linearCombination([0.25, 0.25, 0.25, 0.25]).measured?.(updates, new Float64Array(2000), norms);
    expect([...norms].map(Number.isFinite)).toEqual([true, true, false, true]);
  });
});
