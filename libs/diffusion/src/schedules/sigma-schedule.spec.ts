import { describe, expect, it } from '@jest/globals';
import { referenceVectors, worstDeviation } from '../reference-vectors.spec-support.js';
import { geometricSigmas, karrasSigmas } from './sigma-schedule.js';

const PAPER_RANGE = { sigmaMin: 0.002, sigmaMax: 80 };

describe('noise level ladders', () => {
  it("are Karras et al.'s for rho 7", () => {
    expect(worstDeviation(karrasSigmas(10, PAPER_RANGE), referenceVectors.sde.edm.sigmas)).toBeLessThan(1e-11);
  });

  it('are geometric as in EDM with the exponential schedule of diffusers', () => {
    const sigmas = referenceVectors.trajectories['edm_euler_exponential']?.sigmas ?? [];
    // The reference keeps these in float32.
    expect(worstDeviation(geometricSigmas(10, PAPER_RANGE), sigmas.slice(0, 10))).toBeLessThan(1e-6);
  });

  it.each([
    [0, 0.1, 1],
    [3, 0, 1],
    [3, 2, 1],
    [3, 0.1, Infinity],
    [2.5, 0.1, 1],
  ])('refuse %p steps from %p to %p', (steps, sigmaMin, sigmaMax) => {
    expect(() => karrasSigmas(steps, { sigmaMin, sigmaMax })).toThrow(RangeError);
    expect(() => geometricSigmas(steps, { sigmaMin, sigmaMax })).toThrow(RangeError);
  });

  it('refuse a rho that is not positive', () => {
    expect(() => karrasSigmas(3, PAPER_RANGE, 0)).toThrow(/rho/);
  });
});
