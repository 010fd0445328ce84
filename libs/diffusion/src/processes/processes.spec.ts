import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { referenceNoise, referenceStart, referenceVectors, worstDeviation } from '../reference-vectors.spec-support.js';
import { combine } from '../samplers/image-arithmetic.js';
import { posterior } from '../samplers/posterior.js';
import { createDdpmProcess } from './ddpm-process.js';
import { createEdmProcess } from './edm-process.js';
import { noiseRatio, type NoiseProcess } from './noise-process.js';
import { createNcsnProcess, createVeProcess } from './ve-process.js';
import { createSubVpProcess, createVpProcess } from './vp-process.js';

const { sde } = referenceVectors;
const BETAS = { betaMin: sde.params.beta_min, betaMax: sde.params.beta_max };
const SIGMAS = { sigmaMin: sde.params.sigma_min, sigmaMax: sde.params.sigma_max };

const CONTINUOUS: readonly [string, NoiseProcess][] = [
  ['edm', createEdmProcess({ sigmaMin: 0.002, sigmaMax: 80 })],
  ['vp', createVpProcess(BETAS)],
  ['sub-vp', createSubVpProcess(BETAS)],
  ['ve', createVeProcess(SIGMAS)],
];
const ALL: readonly [string, NoiseProcess][] = [
  ...CONTINUOUS,
  ['ddpm', createDdpmProcess({ name: 'linear', trainSteps: 1000 })],
  ['ncsn', createNcsnProcess({ ...SIGMAS, levels: 100 })],
];

describe('SDE marginals', () => {
  it.each([
    ['vp', createVpProcess(BETAS), sde.vp],
    ['sub-vp', createSubVpProcess(BETAS), sde.subvp],
    ['ve', createVeProcess(SIGMAS), sde.ve],
  ] as const)('of %s agree with the numerical integration of the moments', (_, process, expected) => {
    const levels = sde.t.map((t) => process.level(t));
    levels.forEach(({ alpha, sigma }, i) => {
      expect(Math.abs(alpha / (expected.mean[i] ?? NaN) - 1)).toBeLessThan(1e-9);
      expect(Math.abs(sigma ** 2 / (expected.var[i] ?? NaN) - 1)).toBeLessThan(1e-8);
      expect(Math.abs(alpha / (expected.closed_mean[i] ?? NaN) - 1)).toBeLessThan(1e-13);
      expect(Math.abs(sigma ** 2 / (expected.closed_var[i] ?? NaN) - 1)).toBeLessThan(1e-9);
    });
  });

  it.each(CONTINUOUS)('of %s follow from drift and diffusion', (_, process) => {
    const fractionOfTime = fc.double({ min: 0.05, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(fractionOfTime, (fraction) => {
        const time = process.minTime + fraction * (process.maxTime - process.minTime);
        const h = 1e-5 * time;
        const [before, now, after] = [time - h, time, time + h].map((t) => process.level(t));
        if (!before || !now || !after) throw new Error('no levels');
        const alphaSlope = (after.alpha - before.alpha) / (2 * h);
        const varianceSlope = (after.sigma ** 2 - before.sigma ** 2) / (2 * h);
        const drift = process.drift(time);
        const expectedVarianceSlope = 2 * drift * now.sigma ** 2 + process.diffusion(time) ** 2;
        expect(Math.abs(alphaSlope - drift * now.alpha)).toBeLessThan(1e-5 * Math.max(1, Math.abs(drift)));
        expect(Math.abs(varianceSlope / expectedVarianceSlope - 1)).toBeLessThan(1e-4);
      }),
    );
  });
});

describe('noise levels', () => {
  it.each(ALL)('of %s are found again by their ratio', (_, process) => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (fraction) => {
        const time = process.minTime + fraction * (process.maxTime - process.minTime);
        const level = process.level(time);
        const again = process.levelAtRatio(noiseRatio(level));
        expect(again.time).toBeCloseTo(time, 5);
        expect(again.alpha).toBeCloseTo(level.alpha, 9);
        expect(Math.abs(again.sigma / level.sigma - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  it.each(ALL)('of %s grow with time up to the prior', (_, process) => {
    const times = Array.from(
      { length: 50 },
      (_unused, i) => process.minTime + (i / 49) * (process.maxTime - process.minTime),
    );
    const ratios = times.map((time) => noiseRatio(process.level(time)));
    expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    expect(process.level(process.maxTime).sigma / process.priorStddev).toBeCloseTo(1, 2);
  });
});

describe('the DDPM process', () => {
  const process = createDdpmProcess({ name: 'linear', trainSteps: 1000 });

  it('adds noise and gives velocities as the reference', () => {
    const { t, add_noise: noisy, velocity } = referenceVectors.forward;
    const noise = referenceNoise(0);
    t.forEach((time, i) => {
      const { alpha, sigma } = process.level(time);
      const x = combine([alpha, referenceStart], [sigma, noise]);
      expect(worstDeviation(x, noisy[i] ?? [])).toBeLessThan(1e-10);
      const v = combine([alpha, noise], [-sigma, referenceStart]);
      expect(worstDeviation(v, velocity[i] ?? [])).toBeLessThan(1e-10);
    });
  });

  it.each(Object.entries(referenceVectors.ddpm_variance))(
    'has the posterior variance of %s',
    (name, { t, variance }) => {
      const [schedule, kind] = name.split('/');
      const named = createDdpmProcess({ name: schedule === 'linear' ? 'linear' : 'cosine', trainSteps: 1000 });
      const actual = t.map((time) => {
        const q = posterior(named.level(time), named.level(time - 1));
        if (kind === 'fixed_large') return q.forwardVariance;
        // The reference's "log" variant returns the standard deviation.
        return kind === 'fixed_small_log' ? Math.sqrt(q.variance) : q.variance;
      });
      actual.forEach((value, i) => {
        expect(Math.abs(value / (variance[i] ?? NaN) - 1)).toBeLessThan(1e-8);
      });
    },
  );

  it.each([-1, 1000, NaN])('refuses the time %p', (time) => {
    expect(() => process.level(time)).toThrow(RangeError);
  });
});

describe('processes', () => {
  it.each([
    [() => createVpProcess({ betaMin: 0, betaMax: 1 })],
    [() => createSubVpProcess({ betaMin: 2, betaMax: 1 })],
    [() => createVeProcess({ sigmaMin: 1, sigmaMax: 1 })],
    [() => createNcsnProcess({ sigmaMin: 0.1, sigmaMax: 1, levels: 1 })],
  ])('refuse ranges that are none (%p)', (create) => {
    expect(create).toThrow(RangeError);
  });
});
