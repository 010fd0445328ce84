import { describe, expect, it } from '@jest/globals';
import { PNG } from 'pngjs';
import { encodePng } from './png.js';
import { pictureShape, readPicture } from './read-picture.js';

const options = { imageSizePx: 4, channels: 1, intensity: { method: 'percentile', low: 0, high: 100 } } as const;

describe('readPicture', () => {
  it('gives back the grey values of a PNG, black as -1 and white as 1', async () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => 17 * i);
    const picture = await readPicture(encodePng({ widthPx: 4, heightPx: 4, channels: 1, pixels: bytes }), options);
    picture.forEach((value, i) => expect(value).toBeCloseTo((2 * i) / 15 - 1, 6));
  });

  it('reads 16 bits by their own range', async () => {
    const png = new PNG({ width: 4, height: 4, bitDepth: 16, colorType: 0, inputColorType: 0, inputHasAlpha: false });
    const values = Uint16Array.from({ length: 16 }, (_, i) => 4369 * i);
    png.data = Buffer.from(values.buffer);
    const file = PNG.sync.write(png, { bitDepth: 16, colorType: 0, inputColorType: 0, inputHasAlpha: false });
    const picture = await readPicture(file, options);
    picture.forEach((value, i) => expect(value).toBeCloseTo((2 * i) / 15 - 1, 4));
  });

  it('sets an image that is not square on black', async () => {
    const pixels = new Uint8Array(4 * 2).fill(255);
    const picture = await readPicture(encodePng({ widthPx: 4, heightPx: 2, channels: 1, pixels }), options);
    expect([...picture]).toEqual([-1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1]);
  });

  it('tells the shape of a picture before it is fitted', async () => {
    const pixels = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => i);
    const shape = await pictureShape(encodePng({ widthPx: 4, heightPx: 2, channels: 3, pixels }));
    expect(shape).toEqual({ widthPx: 4, heightPx: 2, channels: 3 });
  });

  it('refuses what is no image', async () => {
    await expect(readPicture(Buffer.from('no image at all'), options)).rejects.toMatchObject({ kind: 'not-an-image' });
  });
});
