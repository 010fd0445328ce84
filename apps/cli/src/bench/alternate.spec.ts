import { describe, expect, it } from '@jest/globals';
import { alternate } from './alternate.js';
import type { Contender } from './contender.js';

describe('alternate', () => {
  it('asks every contender once a round, in turn, and keeps the median time and the largest memory', async () => {
    const asked: string[] = [];
    const contender = (name: string, times: number[]): Contender => ({
      name,
      version: '1',
      parameters: 1,
      measure: () => {
        asked.push(name);
        const ms = times.shift() ?? NaN;
        return Promise.resolve({ ms, peakRssMiB: 10 * ms });
      },
      close: () => Promise.resolve(),
    });
    const contenders = [contender('a', [3, 1, 9]), contender('b', [2, 4, 2])];
    const timings = await alternate(contenders, 3);
    expect(asked).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(timings).toMatchObject([
      { ms: 3, peakRssMiB: 90 },
      { ms: 2, peakRssMiB: 40 },
    ]);
  });

  it('takes the mean of the middle two of an even number of rounds', async () => {
    const times = [1, 8, 2, 4];
    const measure = () => Promise.resolve({ ms: times.shift() ?? NaN, peakRssMiB: 1 });
    const contender = { name: 'a', version: '1', parameters: 1, measure, close: () => Promise.resolve() };
    expect(await alternate([contender], 4)).toMatchObject([{ ms: 3 }]);
  });
});
