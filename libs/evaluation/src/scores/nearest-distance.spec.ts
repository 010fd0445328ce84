import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { copyingShare, nearestDistances } from './nearest-distance.js';

const SIZE = 100;

function normals(count: number, ...name: readonly string[]): Float32Array {
  const values = new Float32Array(count * SIZE);
  randomStream(1, ...name).fillNormal(values);
  return values;
}

describe('nearestDistances', () => {
  it('is 0 for a copy, and the difference for images of one value each', () => {
    const references = Float32Array.from([...Array<number>(SIZE).fill(-1), ...Array<number>(SIZE).fill(0.5)]);
    const images = Float32Array.from([...Array<number>(SIZE).fill(0.25), ...Array<number>(SIZE).fill(0.5)]);
    expect([...nearestDistances(images, references, SIZE)]).toEqual([0.25, 0]);
  });

  it('is the smallest of all distances', () => {
    const [images, references] = [normals(20, 'images'), normals(30, 'references')];
    const found = nearestDistances(images, references, SIZE);
    found.forEach((distance, i) => {
      const all = Array.from({ length: 30 }, (_, j) =>
        Math.hypot(
          ...Array.from({ length: SIZE }, (__, k) => (images[i * SIZE + k] ?? 0) - (references[j * SIZE + k] ?? 0)),
        ),
      );
      expect(distance).toBeCloseTo(Math.min(...all) / Math.sqrt(SIZE), 6);
    });
  });

  it('refuses to compare with nothing, or parts of images', () => {
    expect(() => nearestDistances(normals(1), new Float32Array(0), SIZE)).toThrow(RangeError);
    expect(() => nearestDistances(normals(1).subarray(1), normals(1), SIZE)).toThrow(RangeError);
  });
});

describe('copyingShare', () => {
  it('is about one half for new images of the same kind and 1 for copies with little noise', () => {
    const train = normals(60, 'train');
    const heldOut = nearestDistances(normals(60, 'held out'), train, SIZE);
    const fresh = nearestDistances(normals(60, 'fresh'), train, SIZE);
    const noise = normals(60, 'noise');
    const copies = train.map((value, i) => value + 0.1 * (noise[i] ?? 0));
    expect(Math.abs(copyingShare(fresh, heldOut) - 0.5)).toBeLessThan(0.15);
    expect(copyingShare(nearestDistances(copies, train, SIZE), heldOut)).toBe(1);
  });

  it('changes sides with its arguments', () => {
    const distances = fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(distances, distances, (a, b) => {
        const [x, y] = [Float64Array.from(a), Float64Array.from(b)];
        return Math.abs(copyingShare(x, y) + copyingShare(y, x) - 1) < 1e-9;
      }),
    );
  });
});
