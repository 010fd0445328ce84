import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { grainOf, grainShares } from './grain.js';

const SIZE_PX = 64;

function imageOf(value: (x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: SIZE_PX ** 2 }, (_, i) => value(i % SIZE_PX, Math.floor(i / SIZE_PX)));
}

describe('the grain of an image', () => {
  it('is the share of noise in the standard deviation of a slope with noise', () => {
    const random = randomStream(3, 'grain');
    // x from 0 to 63 times 0.02 is uniform, with a variance of (64² - 1) / 12 · 0.02².
    const slopeVariance = ((SIZE_PX ** 2 - 1) / 12) * 0.02 ** 2;
    for (const sigma of [0.1, 0.5, 1]) {
      const grain = grainOf(
        imageOf((x) => 0.02 * x + sigma * random.normal()),
        SIZE_PX,
      );
      const expected = sigma / Math.sqrt(slopeVariance + sigma ** 2);
      expect(Math.abs(grain / expected - 1)).toBeLessThan(0.05);
    }
  });

  it('is about 1 in white noise, however weak', () => {
    const random = randomStream(4, 'grain');
    for (const sigma of [0.01, 1]) {
      const grain = grainOf(
        imageOf(() => sigma * random.normal()),
        SIZE_PX,
      );
      expect(Math.abs(grain - 1)).toBeLessThan(0.05);
    }
  });

  it('is nothing on a plane, along a straight edge and in one colour', () => {
    const plane = imageOf((x, y) => x / 64 - y / 32);
    expect(grainOf(plane, SIZE_PX)).toBeCloseTo(0, 6);
    expect(
      grainOf(
        imageOf((x) => (x < 20 ? -1 : 1)),
        SIZE_PX,
      ),
    ).toBe(0);
    expect(
      grainOf(
        imageOf(() => 0.25),
        SIZE_PX,
      ),
    ).toBe(0);
  });

  it('counts as noise above the geometric mean of real images and noise, as smooth below that of real images and their mean', () => {
    const anchors = { real: 0.1, mean: 0.001, noise: 0.9 };
    expect(grainShares([0.31, 0.29, 0.011, 0.009], anchors)).toEqual({ noisy: 0.25, smooth: 0.25 });
  });
});
