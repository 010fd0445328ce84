import { describe, expect, it } from '@jest/globals';
import type { DecodedImage } from '../folder/image-file.js';
import { toAnatomicalView, type Direction } from './anatomical-view.js';

/** An image whose pixels hold how far to the left, back and top of the patient they lie. */
function imageOf(along: Direction, down: Direction, axis: 0 | 1 | 2): DecodedImage {
  const [widthPx, heightPx] = [4, 3];
  const pixels = Float32Array.from({ length: widthPx * heightPx }, (_, pixel) => {
    const [x, y] = [pixel % widthPx, Math.floor(pixel / widthPx)];
    return along[axis] * x + down[axis] * y;
  });
  return { widthPx, heightPx, channels: 1, pixels, pixelSpacing: { x: 2, y: 5 } };
}

const UNIT: Direction[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const negative = ([a, b, c]: Direction): Direction => [-a, -b, -c];
const signed = UNIT.flatMap((direction) => [direction, negative(direction)]);
const planes = signed.flatMap((along) =>
  signed
    .filter((down) => along.every((part, axis) => Math.abs(part) !== Math.abs(down[axis] ?? 0) || part === 0))
    .map((down) => ({ along, down })),
);

/** Growth of the value from a pixel to its neighbour. */
function steps(image: DecodedImage): { across: number; down: number } {
  const at = (x: number, y: number): number => image.pixels[y * image.widthPx + x] ?? NaN;
  return { across: Math.sign(at(1, 0) - at(0, 0)), down: Math.sign(at(0, 1) - at(0, 0)) };
}

describe('toAnatomicalView', () => {
  it('meets 24 ways to cut a patient along the axes', () => {
    expect(planes).toHaveLength(24);
  });

  it.each(planes)('shows rows along $along and columns along $down the usual way', ({ along, down }) => {
    const [left, back, top] = [0, 1, 2].map((axis) =>
      steps(toAnatomicalView(imageOf(along, down, axis === 0 ? 0 : axis === 1 ? 1 : 2), along, down)),
    );
    const has = (axis: number): boolean => along[axis] !== 0 || down[axis] !== 0;
    // Left of the patient is at the right of the image, the top at the top, the back below or (sagittal) at the right.
    if (has(0)) expect(left).toEqual({ across: 1, down: 0 });
    if (has(2)) expect(top).toEqual({ across: 0, down: -1 });
    if (has(1)) expect(back).toEqual(has(0) ? { across: 0, down: 1 } : { across: 1, down: 0 });
  });

  it('turns the pixel spacing with the image', () => {
    const turned = toAnatomicalView(imageOf([0, 1, 0], [1, 0, 0], 0), [0, 1, 0], [1, 0, 0]);
    expect(turned).toMatchObject({ widthPx: 3, heightPx: 4, pixelSpacing: { x: 5, y: 2 } });
  });

  it('goes by the nearest axes of an oblique plane', () => {
    const along: Direction = [0.9, 0.3, 0.3];
    const down: Direction = [-0.2, 0.8, -0.56];
    const image = imageOf(along, down, 0);
    expect([...toAnatomicalView(image, along, down).pixels]).toEqual([...image.pixels]);
  });
});
