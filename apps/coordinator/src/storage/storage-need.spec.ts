import { describe, expect, it } from '@jest/globals';
import { strategySchema } from '@tributary/protocol';
import { roundNeedBytes } from './storage-need.js';

const need = (strategy: object, awaitedSites: number) =>
  roundNeedBytes({ kind: 'train', strategy: strategySchema.parse(strategy), awaitedSites, weightsBytes: 100 });

describe('the disk space that a round needs', () => {
  it('is an update a site, the next weights and their average', () => {
    expect(need({ kind: 'fedavg' }, 6)).toBe(6 * 100 + 2 * 100);
  });

  it('counts the vectors that the strategy keeps', () => {
    expect(need({ kind: 'fedavgm' }, 0)).toBe(3 * 100);
    expect(need({ kind: 'fedadam' }, 0)).toBe(4 * 100);
  });

  it('is small for an evaluation', () => {
    const strategy = strategySchema.parse({ kind: 'fedavg' });
    expect(roundNeedBytes({ kind: 'evaluate', strategy, awaitedSites: 3, weightsBytes: 1e12 })).toBeLessThan(1e8);
  });
});
