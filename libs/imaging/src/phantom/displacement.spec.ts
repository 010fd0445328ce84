import { describe, expect, it, jest } from '@jest/globals';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { createDisplacement, displacementOverPlane, splineWeights } from './displacement.js';

// Warping heads takes its time on a busy machine.
jest.setTimeout(60_000);

describe('splineWeights', () => {
  it('has the values of the cubic B-spline at a knot and half-way', () => {
    // B(±1) = 1/6, B(0) = 2/3; B(±1/2) = 23/48, B(±3/2) = 1/48.
    [1 / 6, 2 / 3, 1 / 6, 0].forEach((value, index) => expect(splineWeights(0)[index]).toBeCloseTo(value, 12));
    [1 / 48, 23 / 48, 23 / 48, 1 / 48].forEach((value, index) =>
      expect(splineWeights(0.5)[index]).toBeCloseTo(value, 12),
    );
  });

  it('sums to 1 everywhere', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (t) => {
        expect(splineWeights(t).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe('displacement', () => {
  const line = Array.from({ length: 41 }, (_, index) => 4 * index - 80);

  it('has the standard deviation that was asked for', () => {
    let squares = 0;
    let count = 0;
    for (let seed = 0; seed < 16; seed++) {
      const field = createDisplacement(randomStream(seed, 'displacement'), 3);
      const plane = displacementOverPlane(field, { xsMm: line, ysMm: [-60, -20, 20, 60], zMm: 10 });
      plane.forEach((value) => (squares += value * value));
      count += plane.length;
    }
    // About 16 × 3 × 4 × 4 independent patches: 5 standard errors are 13 %.
    expect(Math.sqrt(squares / count)).toBeGreaterThan(3 * 0.85);
    expect(Math.sqrt(squares / count)).toBeLessThan(3 * 1.15);
  });

  it('is smooth along all axes and never folds at the phantom’s largest amplitude', () => {
    for (let seed = 0; seed < 3; seed++) {
      const field = createDisplacement(randomStream(seed, 'folds'), 2.5 * 1.3);
      const plane = displacementOverPlane(field, { xsMm: line, ysMm: line, zMm: 9 });
      const n = line.length;
      let steepest = 0;
      for (let row = 0; row < n; row++) {
        for (let column = 0; column + 1 < n; column++) {
          steepest = Math.min(steepest, (plane[row * n + column + 1] ?? 0) - (plane[row * n + column] ?? 0));
        }
      }
      // x + u(x) keeps growing: u falls by less than the 4 mm between two samples.
      expect(steepest).toBeGreaterThan(-4);
    }
  });

  it('is constant beyond its last knots instead of undefined', () => {
    const field = createDisplacement(randomStream(1, 'edge'), 3);
    const plane = displacementOverPlane(field, { xsMm: [900, 5000], ysMm: [0], zMm: -7000 });
    expect(plane.every(Number.isFinite)).toBe(true);
    expect(plane[0]).toBe(plane[1]);
  });
});
