import { describe, expect, it } from '@jest/globals';
import { serverEmaSchema, strategySchema } from '@tributary/protocol';
import { roundNeedBytes } from './storage-need.js';

const recipeOf = (strategy: object, serverEma: object = {}) => ({
  strategy: strategySchema.parse(strategy),
  serverEma: serverEmaSchema.parse(serverEma),
});
const need = (strategy: object, awaitedSites: number, serverEma?: object) =>
  roundNeedBytes({ kind: 'train', recipe: recipeOf(strategy, serverEma), awaitedSites, weightsBytes: 100 });

describe('the disk space that a round needs', () => {
  it('is an update a site, the next weights and their average', () => {
    expect(need({ kind: 'fedavg' }, 6)).toBe(6 * 100 + 2 * 100);
  });

  it('counts the vectors that the strategy keeps', () => {
    expect(need({ kind: 'fedavgm' }, 0)).toBe(3 * 100);
    expect(need({ kind: 'fedadam' }, 0)).toBe(4 * 100);
  });

  it('counts every average', () => {
    expect(need({ kind: 'fedavg' }, 0, { kind: 'power-function', widths: [0.1, 0.05, 0.2] })).toBe(4 * 100);
  });

  it('is small for an evaluation', () => {
    const recipe = recipeOf({ kind: 'fedavg' });
    expect(roundNeedBytes({ kind: 'evaluate', recipe, awaitedSites: 3, weightsBytes: 1e12 })).toBeLessThan(1e8);
  });
});
