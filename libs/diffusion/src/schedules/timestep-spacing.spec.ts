import { describe, expect, it } from '@jest/globals';
import { referenceVectors } from '../reference-vectors.spec-support.js';
import { sampleTimesteps, type TimestepSpacing } from './timestep-spacing.js';

function referenceTimes(name: string): number[] {
  return referenceVectors.trajectories[name]?.timesteps ?? [];
}

describe('sampling times', () => {
  it.each<[string, TimestepSpacing]>([
    ['ddim_eta0', 'leading'],
    ['ddim_eta0_trailing', 'trailing'],
    ['ddim_eta0_linspace', 'linspace'],
    ['dpmpp_2m', 'linspace-open'],
  ])('of %s are those of the reference (%s)', (name, spacing) => {
    expect(sampleTimesteps({ spacing, trainSteps: 1000, steps: 10 })).toEqual(referenceTimes(name));
  });

  it('shift by the offset when leading', () => {
    const times = sampleTimesteps({ spacing: 'leading', trainSteps: 1000, steps: 10, offset: 1 });
    expect(times).toEqual(referenceTimes('ddim_eta0_alpha_not_one_offset1'));
  });

  it.each([0, -1, 1.5, 1001, NaN])('refuses %p steps of 1000', (steps) => {
    expect(() => sampleTimesteps({ spacing: 'leading', trainSteps: 1000, steps })).toThrow(/steps/);
  });
});
