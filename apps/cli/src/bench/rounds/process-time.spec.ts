import { describe, expect, it } from '@jest/globals';
import { processorSeconds } from './process-time.js';

describe('processorSeconds', () => {
  it('grows by what Node itself counts for this process', async () => {
    const before = await processorSeconds(process.pid);
    if (before === undefined) return expect(process.platform).not.toBe('linux');
    const counted = process.cpuUsage();
    let sum = 0;
    while (process.cpuUsage(counted).user < 300_000) sum += Math.sqrt(sum + 1);
    const { user, system } = process.cpuUsage(counted);
    const grown = ((await processorSeconds(process.pid)) ?? 0) - before;
    expect(Math.abs(grown - (user + system) / 1e6)).toBeLessThan(0.1);
  });

  it('knows nothing of a process that is gone', async () => {
    expect(await processorSeconds(2 ** 30)).toBeUndefined();
  });
});
