import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { dequantisedImage } from './dequantised-image.js';

describe('a dequantised image', () => {
  it('spreads each grey level evenly over its width', () => {
    const image = new Float32Array(20_000).map((_, i) => (i % 2 === 0 ? -1 : 0.5));
    const spread = dequantisedImage(image, randomStream(3));
    const [black, grey] = [0, 1].map((parity) => [...spread].filter((_, i) => i % 2 === parity)) as [
      number[],
      number[],
    ];
    const width = 1 / 127.5;
    // Level 191.25 is rounded to 191.
    for (const [values, middle] of [
      [black, -1],
      [grey, 191 / 127.5 - 1],
    ] as const) {
      const shifts = values.map((value) => (value - middle) / width);
      expect(Math.max(...shifts.map(Math.abs))).toBeLessThanOrEqual(0.5 + 1e-4);
      // Mean and variance of a uniform number: 0 and 1/12.
      expect(shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length).toBeCloseTo(0, 1);
      expect(shifts.reduce((sum, shift) => sum + shift ** 2, 0) / shifts.length).toBeCloseTo(1 / 12, 2);
    }
  });
});
