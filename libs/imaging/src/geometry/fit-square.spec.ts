import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DecodedImage } from '../folder/image-file.js';
import { fitSquare } from './fit-square.js';

const image = (widthPx: number, heightPx: number, values: readonly number[]): DecodedImage => ({
  widthPx,
  heightPx,
  channels: 1,
  pixels: Float32Array.from(values),
  pixelSpacing: { x: 1, y: 1 },
});

describe('fitSquare', () => {
  it('takes the mean of the area when it shrinks', () => {
    const shrunk = fitSquare(image(4, 4, [0, 2, 4, 6, 0, 2, 4, 6, 10, 10, 20, 20, 10, 10, 20, 20]), 2);
    expect([...shrunk.pixels]).toEqual([1, 5, 10, 20]);
  });

  it('shares pixels between neighbours when it shrinks by a fraction', () => {
    // 3 to 2: the middle column belongs half to each, (a + b/2) / 1.5.
    const shrunk = fitSquare(image(3, 3, [3, 6, 9, 3, 6, 9, 3, 6, 9]), 2);
    [4, 8, 4, 8].forEach((value, index) => expect(shrunk.pixels[index]).toBeCloseTo(value, 5));
  });

  it('interpolates when it enlarges', () => {
    const enlarged = fitSquare(image(2, 2, [0, 4, 0, 4]), 4);
    expect([...enlarged.pixels.subarray(0, 4)]).toEqual([0, 1, 3, 4]);
  });

  it('puts a wide image in the middle and leaves margins', () => {
    const fitted = fitSquare(image(4, 2, [1, 1, 1, 1, 1, 1, 1, 1]), 4);
    expect(fitted.inside).toEqual({ left: 0, top: 1, widthPx: 4, heightPx: 2 });
    expect([...fitted.pixels]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it('goes by millimetres, not by pixels', () => {
    const tall = { ...image(4, 2, [1, 2, 3, 4, 5, 6, 7, 8]), pixelSpacing: { x: 1, y: 4 } };
    expect(fitSquare(tall, 8).inside).toEqual({ left: 2, top: 0, widthPx: 4, heightPx: 8 });
  });

  it('keeps the mean of a square image that it shrinks, and never leaves its range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.nat(1000), (from, to, seed) => {
        fc.pre(to <= from);
        const values = Array.from({ length: from * from }, (_, index) => Math.sin(seed + index * index));
        const { pixels } = fitSquare(image(from, from, values), to);
        const mean = (all: ArrayLike<number>): number => Array.from(all).reduce((sum, v) => sum + v, 0) / all.length;
        expect(mean(pixels)).toBeCloseTo(mean(values), 5);
        expect(Math.max(...pixels)).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
        expect(Math.min(...pixels)).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
      }),
    );
  });
});
