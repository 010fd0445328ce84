import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { limitedEstimate } from './limited-estimate.js';

const SIDE = 16;
const VALUES = SIDE ** 2;
/** A disc of 0.5 on black. */
const CLEAN_IMAGE = Float64Array.from({ length: VALUES }, (_, i) =>
  Math.hypot((i % SIDE) - 7.5, Math.floor(i / SIDE) - 7.5) < 6 ? 0.5 : -1,
);

const rms = (image: Float64Array): number => Math.hypot(...image) / Math.sqrt(image.length);
const differenceOf = (a: Float64Array, b: Float64Array): number => rms(a.map((value, i) => value - (b[i] ?? 0)));

/** The image at a noise ratio, by a variance-preserving process, and its noise. */
function noisy(ratio: number, seed: number) {
  const random = randomStream(seed, 'limited estimate');
  const noise = Float64Array.from({ length: VALUES }, () => random.normal());
  const alpha = 1 / Math.hypot(1, ratio);
  const level = { time: 0, alpha, sigma: ratio * alpha };
  return { noise, x: CLEAN_IMAGE.map((value, i) => alpha * value + level.sigma * (noise[i] ?? 0)), level, range: 1 };
}

describe('a limited estimate', () => {
  it.each([80, 20, 5, 2])('has no noise left where the network cannot tell its strength, at a ratio of %d', (ratio) => {
    for (const seed of [1, 2, 3, 4]) {
      const source = noisy(ratio, seed);
      const strength = rms(source.noise);
      // The true direction of the noise with the strength that noise has on average.
      const blind = CLEAN_IMAGE.map((value, i) => value + ratio * (source.noise[i] ?? 0) * (1 - 1 / strength));
      const chance = rms(CLEAN_IMAGE) / Math.sqrt(VALUES);
      const expected = Math.min(4 * chance, 0.5 * Math.abs(ratio * (strength - 1))) + 2 * chance;
      expect(differenceOf(limitedEstimate(blind, source), CLEAN_IMAGE)).toBeLessThan(expected);
    }
  });

  it.each([0.01, 0.1, 0.5])('is the estimate itself when that is right, at a ratio of %d', (ratio) => {
    expect(differenceOf(limitedEstimate(CLEAN_IMAGE, noisy(ratio, 1)), CLEAN_IMAGE)).toBeLessThan(0.01);
  });

  it('is near the estimate when that is right and the noise is strong', () => {
    const chance = rms(CLEAN_IMAGE) / Math.sqrt(VALUES);
    for (const seed of [1, 2, 3, 4])
      expect(differenceOf(limitedEstimate(CLEAN_IMAGE, noisy(50, seed)), CLEAN_IMAGE)).toBeLessThan(4 * chance);
  });

  it('turns grey, not black and white, where the error is many times the range', () => {
    const source = noisy(80, 1);
    const random = randomStream(9, 'error');
    const wrong = CLEAN_IMAGE.map((value) => value + 8 * random.normal());
    expect(rms(limitedEstimate(wrong, source))).toBeLessThan(0.2);
  });

  it('lies in the range whatever the network says', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: VALUES, maxLength: VALUES });
    fc.assert(
      fc.property(values, fc.double({ min: 1e-3, max: 150, noNaN: true }), (estimate, ratio) => {
        const limited = limitedEstimate(Float64Array.from(estimate), noisy(ratio, 1));
        return limited.every((value) => Math.abs(value) <= 1);
      }),
      { numRuns: 50 },
    );
  });
});
