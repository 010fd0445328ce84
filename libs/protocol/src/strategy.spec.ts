import { describe, expect, it } from '@jest/globals';
import { fewestUpdates, strategySchema } from './strategy.js';

describe('a strategy of a recipe', () => {
  it('steps along the whole update unless told otherwise', () => {
    expect(strategySchema.parse({ kind: 'median' })).toEqual({
      kind: 'median',
      serverLearningRate: 1,
      ownedRows: true,
    });
  });

  it('names the fewest updates that it can combine: 2f + 3 for Krum', () => {
    expect(fewestUpdates(strategySchema.parse({ kind: 'multi-krum', byzantine: 2 }))).toBe(7);
    expect(fewestUpdates(strategySchema.parse({ kind: 'fedavg' }))).toBe(1);
  });

  it.each([
    { kind: 'trimmed-mean', trimFraction: 0.5 },
    { kind: 'multi-krum' },
    { kind: 'fedavg', momentum: 0.9 },
    { kind: 'fedavg', clipNorm: 0 },
    {},
  ])('refuses %p', (strategy) => {
    expect(strategySchema.safeParse(strategy).success).toBe(false);
  });
});
