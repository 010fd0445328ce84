import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { grainOf, grainShares } from './grain.js';

const SIZE_PX = 64;

function imageOf(value: (x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: SIZE_PX ** 2 }, (_, i) => value(i % SIZE_PX, Math.floor(i / SIZE_PX)));
}

describe('the grain of an image', () => {
  it('is the standard deviation of white noise, also on a slope', () => {
    const random = randomStream(3, 'grain');
    for (const sigma of [0.1, 0.5, 1]) {
      const grain = grainOf(
        imageOf((x, y) => 0.02 * x - 0.01 * y + sigma * random.normal()),
        SIZE_PX,
      );
      expect(Math.abs(grain / sigma - 1)).toBeLessThan(0.05);
    }
  });

  it('is nothing on a plane, along a straight edge and in stripes', () => {
    expect(
      grainOf(
        imageOf((x, y) => x / 64 - y / 32),
        SIZE_PX,
      ),
    ).toBeCloseTo(0, 6);
    expect(
      grainOf(
        imageOf((x) => (x < 20 ? -1 : 1)),
        SIZE_PX,
      ),
    ).toBe(0);
  });

  it('counts as noise above the geometric mean of real images and noise, as smooth below that of real images and their mean', () => {
    const anchors = { real: 0.1, mean: 0.001, noise: 0.9 };
    expect(grainShares([0.31, 0.29, 0.011, 0.009], anchors)).toEqual({ noisy: 0.25, smooth: 0.25 });
  });
});
