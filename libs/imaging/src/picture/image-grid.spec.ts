import { describe, expect, it } from '@jest/globals';
import { PNG } from 'pngjs';
import { imageGrid } from './image-grid.js';
import { encodePng } from './png.js';

describe('imageGrid', () => {
  it('lays images out row by row with gaps, cut off at black and white', () => {
    const images = Float32Array.of(1, -1, 7, -7, 0, 0, 0, 0, 1, 1, 1, 1);
    const grid = imageGrid({ images, sizePx: 2, channels: 1, columns: 2, gapPx: 1 });
    expect([grid.widthPx, grid.heightPx]).toEqual([7, 7]);
    const rows = Array.from({ length: 7 }, (_, y) => [...grid.pixels.subarray(7 * y, 7 * y + 7)]);
    expect(rows).toEqual([
      [0, 0, 0, 0, 0, 0, 0],
      [0, 255, 0, 0, 128, 128, 0],
      [0, 255, 0, 0, 128, 128, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [0, 255, 255, 0, 0, 0, 0],
      [0, 255, 255, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('zooms by whole pixels', () => {
    const grid = imageGrid({
      images: Float32Array.of(1, -1, -1, -1),
      sizePx: 2,
      channels: 1,
      columns: 1,
      zoom: 2,
      gapPx: 0,
    });
    expect([...grid.pixels]).toEqual([255, 255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('refuses half images', () => {
    expect(() => imageGrid({ images: new Float32Array(5), sizePx: 2, channels: 1, columns: 1 })).toThrow(RangeError);
  });
});

describe('encodePng', () => {
  it('writes what another reader of PNG reads', () => {
    const file = encodePng({ widthPx: 2, heightPx: 1, channels: 3, pixels: Uint8Array.of(1, 2, 3, 250, 251, 252) });
    expect([...PNG.sync.read(file).data]).toEqual([1, 2, 3, 255, 250, 251, 252, 255]);
    const grey = encodePng({ widthPx: 1, heightPx: 2, channels: 1, pixels: Uint8Array.of(9, 200) });
    expect([...PNG.sync.read(grey).data]).toEqual([9, 9, 9, 255, 200, 200, 200, 255]);
    expect(() => encodePng({ widthPx: 2, heightPx: 2, channels: 1, pixels: new Uint8Array(3) })).toThrow(RangeError);
  });
});
