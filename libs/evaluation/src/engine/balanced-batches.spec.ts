import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { BalancedBatches } from './balanced-batches.js';

const shape = { batchSize: 64, imageSize: 8, channels: 1 };
const pixels = shape.imageSize ** 2;

/** Image 3 of 10 has a lesion; the pixels of image i have value i. */
const flat = {
  images: Float32Array.from({ length: 10 * pixels }, (_, at) => Math.floor(at / pixels)),
  isLesion: Int32Array.from({ length: 10 }, (_, image) => (image === 3 ? 1 : 0)),
};

describe('BalancedBatches', () => {
  it('gives half lesions however scarce they are, each row with its own label', () => {
    const { images, labels } = new BalancedBatches(flat, shape).draw(randomStream(1));
    expect(labels.reduce((sum, label) => sum + label, 0)).toBe(32);
    labels.forEach((label, row) => {
      const values = new Set(images.subarray(row * pixels, (row + 1) * pixels));
      expect(values.size).toBe(1);
      expect(values.has(3)).toBe(label === 1);
    });
  });

  it('draws from all images of a side', () => {
    const { images } = new BalancedBatches(flat, { ...shape, batchSize: 400 }).draw(randomStream(2));
    expect([...new Set(images)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('moves a point by at most two pixels, and mirrors about half of the images', () => {
    const point = { x: 2, y: 4 };
    const one = Float32Array.from({ length: pixels }, (_, at) => (at === point.y * 8 + point.x ? 1 : 0));
    const data = { images: Float32Array.of(...one, ...one), isLesion: Int32Array.of(0, 1) };
    const { images } = new BalancedBatches(data, { ...shape, batchSize: 1000 }).draw(randomStream(3));
    const places = Array.from({ length: 1000 }, (_, row) =>
      images.subarray(row * pixels, (row + 1) * pixels).indexOf(1),
    );
    const columns = places.map((place) => place % 8);
    expect(new Set(places.map((place) => Math.floor(place / 8)))).toEqual(new Set([2, 3, 4, 5, 6]));
    expect(new Set(columns)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
    // Unmirrored the point lies in columns 0..4, mirrored (column 5) in 3..7: 60 % of each half is unambiguous.
    const left = columns.filter((column) => column < 3).length;
    const right = columns.filter((column) => column > 4).length;
    expect(left).toBeGreaterThan(240);
    expect(right).toBeGreaterThan(240);
  });

  it('keeps colours together and draws the same batch from the same stream', () => {
    const colour = {
      images: Float32Array.from({ length: 2 * pixels * 3 }, (_, at) => at % 3),
      isLesion: Int32Array.of(0, 1),
    };
    const batches = new BalancedBatches(colour, { ...shape, channels: 3 });
    const { images } = batches.draw(randomStream(4));
    images.forEach((value, at) => expect(value).toBe(at % 3));
    expect(batches.draw(randomStream(5))).toEqual(batches.draw(randomStream(5)));
  });

  it('refuses data of one side', () => {
    expect(() => new BalancedBatches({ ...flat, isLesion: new Int32Array(10) }, shape)).toThrow('with and without');
  });
});
