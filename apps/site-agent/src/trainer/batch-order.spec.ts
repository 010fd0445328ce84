import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BatchOrder } from './batch-order.js';

const images = Int32Array.of(3, 5, 8, 13, 21, 34, 55);

describe('BatchOrder', () => {
  it('shows every image once before any a second time', () => {
    const order = new BatchOrder(images, 7, 'site-a');
    const seen = [0, 1, 2, 3, 4, 5, 6].flatMap((step) => [...order.batch(step, 3)]);
    for (const epoch of [seen.slice(0, 7), seen.slice(7, 14), seen.slice(14, 21)]) {
      expect(epoch.sort((a, b) => a - b)).toEqual([...images]);
    }
  });

  it('gives the batch of a step whatever was asked for before', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { minLength: 1 }), fc.integer({ min: 1, max: 20 }), (steps, batchSize) => {
        const walked = new BatchOrder(images, 7, 'site-a');
        for (const step of steps) {
          const fresh = new BatchOrder(images, 7, 'site-a');
          expect(walked.batch(step, batchSize)).toEqual(fresh.batch(step, batchSize));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('differs between sites, seeds and epochs', () => {
    const many = Int32Array.from({ length: 50 }, (_, index) => index);
    const first = new BatchOrder(many, 7, 'site-a').batch(0, 50);
    expect(new BatchOrder(many, 7, 'site-b').batch(0, 50)).not.toEqual(first);
    expect(new BatchOrder(many, 8, 'site-a').batch(0, 50)).not.toEqual(first);
    expect(new BatchOrder(many, 7, 'site-a').batch(1, 50)).not.toEqual(first);
  });

  it('refuses an empty split', () => {
    expect(() => new BatchOrder(new Int32Array(0), 7, 'site-a')).toThrow(RangeError);
  });
});
