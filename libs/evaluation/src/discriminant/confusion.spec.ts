import { describe, expect, it } from '@jest/globals';
import { accuracy, balancedAccuracy, confusionOf, poolConfusions } from './confusion.js';

const confusion = confusionOf(Int32Array.of(0, 0, 0, 0, 3), Int32Array.of(0, 0, 0, 3, 0));

describe('confusion', () => {
  it('counts each pair of actual and predicted class', () => {
    expect(confusion).toEqual([
      { actual: 0, predicted: 0, count: 3 },
      { actual: 0, predicted: 3, count: 1 },
      { actual: 3, predicted: 0, count: 1 },
    ]);
  });

  it('gives the share of right answers, over images and over classes', () => {
    expect(accuracy(confusion)).toBeCloseTo(3 / 5, 12);
    expect(balancedAccuracy(confusion)).toBeCloseTo((3 / 4 + 0) / 2, 12);
  });

  it('adds up over sites', () => {
    const site = confusionOf(Int32Array.of(3, 0), Int32Array.of(3, 0));
    expect(poolConfusions([confusion, site])).toEqual([
      { actual: 0, predicted: 0, count: 4 },
      { actual: 0, predicted: 3, count: 1 },
      { actual: 3, predicted: 0, count: 1 },
      { actual: 3, predicted: 3, count: 1 },
    ]);
  });

  it('has no accuracy without images', () => {
    expect(accuracy(poolConfusions([]))).toBeNaN();
    expect(balancedAccuracy([])).toBeNaN();
  });

  it('refuses unequal lengths', () => {
    expect(() => confusionOf(Int32Array.of(1), Int32Array.of())).toThrow(RangeError);
  });
});
