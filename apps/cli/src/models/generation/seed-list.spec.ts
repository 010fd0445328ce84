import { describe, expect, it } from '@jest/globals';
import { parseSeeds } from './seed-list.js';

describe('parseSeeds', () => {
  it('reads ranges and lists', () => {
    expect(parseSeeds('3,7-9')).toEqual([3, 7, 8, 9]);
  });

  it.each(['', '9-7', 'a', '1-', '4294967296', '0-99999999'])('refuses the seeds %j', (text) => {
    expect(() => parseSeeds(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });
});
