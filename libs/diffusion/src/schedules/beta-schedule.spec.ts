import { describe, expect, it } from '@jest/globals';
import { referenceVectors, worstDeviation } from '../reference-vectors.spec-support.js';
import { alphaBars, betaSchedule, linspace, type BetaScheduleOptions } from './beta-schedule.js';

const CASES: Readonly<Record<string, BetaScheduleOptions>> = {
  linear: { name: 'linear', trainSteps: 1000 },
  scaled_linear: { name: 'scaled_linear', trainSteps: 1000, betaStart: 0.00085, betaEnd: 0.012 },
  squaredcos_cap_v2: { name: 'cosine', trainSteps: 1000 },
  sigmoid: { name: 'sigmoid', trainSteps: 1000 },
  linear_zero_terminal_snr: { name: 'linear', trainSteps: 1000, zeroTerminalSnr: true },
};

function at(table: Float64Array, times: readonly number[]): number[] {
  return times.map((t) => table[t] ?? NaN);
}

/** The reference computes this one schedule in float32, whatever the precision asked for. */
const FLOAT32_ONLY = 'sigmoid';

describe('beta schedules', () => {
  it('has a case for every reference schedule', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(referenceVectors.betas).sort());
  });

  it.each(Object.entries(CASES))('%s agrees with the diffusers tables in float64', (name, options) => {
    const expected = referenceVectors.betas[name];
    const betas = betaSchedule(options);
    const times = expected?.t ?? [];
    const tolerance = name === FLOAT32_ONLY ? 1e-6 : 1e-9;
    const bars = alphaBars(betas);
    const snr = bars.map((bar) => bar / (1 - bar));
    expect(worstDeviation(at(betas, times), expected?.betas ?? [])).toBeLessThan(tolerance);
    expect(worstDeviation(at(bars, times), expected?.alphas_cumprod ?? [])).toBeLessThan(tolerance);
    if (expected?.snr && name !== FLOAT32_ONLY)
      expect(worstDeviation(at(snr, times), expected.snr)).toBeLessThan(tolerance);
  });

  it('keeps the first signal level and removes the last one when rescaled to zero terminal SNR', () => {
    const plain = alphaBars(betaSchedule({ name: 'linear', trainSteps: 50 }));
    const rescaled = alphaBars(betaSchedule({ name: 'linear', trainSteps: 50, zeroTerminalSnr: true }));
    expect(rescaled[0]).toBeCloseTo(plain[0] ?? NaN, 12);
    expect(rescaled[49]).toBe(0);
  });

  it.each([1, 2.5, NaN])('refuses %p steps', (trainSteps) => {
    expect(() => betaSchedule({ name: 'linear', trainSteps })).toThrow(RangeError);
  });

  it.each([0, 1, -0.1, NaN])('refuses the beta %p', (betaStart) => {
    expect(() => betaSchedule({ name: 'linear', trainSteps: 10, betaStart })).toThrow(/betaStart/);
  });

  it('spaces a single number at its start', () => {
    expect([...linspace(3, 9, 1)]).toEqual([3]);
  });
});
