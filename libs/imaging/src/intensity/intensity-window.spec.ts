import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromUnitRange, seriesWindow, toUnitRange } from './intensity-window.js';
import { percentile } from './percentile.js';

describe('percentile', () => {
  // numpy.percentile([1, 2, 4, 8], [0, 40, 50, 90, 100]) = [1, 2.4, 3, 6.8, 8]
  it.each([
    [0, 1],
    [40, 2.4],
    [50, 3],
    [90, 6.8],
    [100, 8],
  ])('gives numpy’s value at %d %%', (percent, expected) => {
    expect(percentile(Float32Array.of(1, 2, 4, 8), percent)).toBeCloseTo(expected, 6);
  });

  it('refuses an empty list', () => {
    expect(() => percentile(new Float32Array(0), 50)).toThrow(RangeError);
  });
});

describe('intensity windows', () => {
  it('spans the percentiles of the series or what the recipe fixes', () => {
    const values = Float32Array.of(8, 1, 4, 2);
    expect(seriesWindow({ method: 'percentile', low: 0, high: 100 }, values)).toEqual({ low: 1, high: 8 });
    expect(seriesWindow({ method: 'window', low: -150, high: 250 }, values)).toEqual({ low: -150, high: 250 });
    expect([...values]).toEqual([8, 1, 4, 2]);
  });

  it('maps a CT window’s ends and middle to −1, 1 and 0 and cuts off beyond', () => {
    const window = { low: -150, high: 250 };
    expect([-1000, -150, 50, 250, 3000].map((value) => toUnitRange(value, window))).toEqual([-1, -1, 0, 1, 1]);
  });

  it('maps back what it mapped', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -2000, max: 0 }), (unit, low) => {
        const window = { low, high: low + 700 };
        expect(toUnitRange(fromUnitRange(unit, window), window)).toBeCloseTo(unit, 9);
      }),
    );
  });
});
