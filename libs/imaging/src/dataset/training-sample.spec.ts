import { describe, expect, it } from '@jest/globals';
import type { DecodedImage } from '../folder/image-file.js';
import { prepareImage } from './training-sample.js';

const image = (...values: number[]): DecodedImage => ({
  widthPx: 2,
  heightPx: 2,
  channels: 1,
  pixels: Float32Array.from(values),
  pixelSpacing: { x: 1, y: 1 },
});
const shape = { imageSizePx: 2, channels: 1 } as const;

describe('prepareImage', () => {
  it('puts the smallest number where there is none', () => {
    expect([...prepareImage(image(5, NaN, 3, Infinity), shape).square.pixels]).toEqual([5, 3, 3, 3]);
  });

  it('takes falling values for an image, and one value everywhere for none', () => {
    expect([...prepareImage(image(9, 7, 4, 2), shape).square.pixels]).toEqual([9, 7, 4, 2]);
    expect(() => prepareImage(image(6, 6, 6, 6), shape)).toThrow(expect.objectContaining({ kind: 'blank' }));
    expect(() => prepareImage(image(NaN, 6, NaN, 6), shape)).toThrow(expect.objectContaining({ kind: 'blank' }));
  });

  it('tells images apart by value and by shape', () => {
    const print = (candidate: DecodedImage): string => prepareImage(candidate, shape).fingerprint;
    expect(print(image(1, 2, 3, 4))).toBe(print(image(1, 2, 3, 4)));
    expect(print(image(1, 2, 3, 4))).not.toBe(print(image(1, 2, 4, 3)));
    expect(print(image(1, 2, 3, 4))).not.toBe(print({ ...image(1, 2, 3, 4), widthPx: 4, heightPx: 1 }));
  });
});
