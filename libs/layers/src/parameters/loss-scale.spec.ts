import { describe, expect, it } from '@jest/globals';
import { FIRST_LOSS_SCALE, GROWTH_INTERVAL_STEPS, type LossScale, nextLossScale } from './loss-scale.js';

const after = (start: LossScale, goodSteps: number): LossScale =>
  Array.from({ length: goodSteps }).reduce<LossScale>((scale) => nextLossScale(scale, false), start);

describe('nextLossScale', () => {
  it('doubles after the last of a row of good steps, and then counts again', () => {
    expect(after(FIRST_LOSS_SCALE, GROWTH_INTERVAL_STEPS - 1).scale).toBe(65_536);
    expect(after(FIRST_LOSS_SCALE, GROWTH_INTERVAL_STEPS)).toEqual({ scale: 131_072, goodSteps: 0 });
  });

  it('halves at an overflow, which ends the row', () => {
    const halved = nextLossScale(after(FIRST_LOSS_SCALE, GROWTH_INTERVAL_STEPS - 1), true);
    expect(halved).toEqual({ scale: 32_768, goodSteps: 0 });
    expect(nextLossScale(halved, false)).toEqual({ scale: 32_768, goodSteps: 1 });
  });

  it('stays between 1 and 2^24', () => {
    expect(nextLossScale({ scale: 1, goodSteps: 3 }, true).scale).toBe(1);
    expect(after({ scale: 2 ** 24, goodSteps: 0 }, GROWTH_INTERVAL_STEPS).scale).toBe(2 ** 24);
  });
});
