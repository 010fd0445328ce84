import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { readAhead } from './read-ahead.js';

describe('readAhead', () => {
  it('gives items in order and starts the next read before an item is consumed', async () => {
    const log: string[] = [];
    const read = (index: number) => {
      log.push(`read ${index}`);
      return Promise.resolve(index);
    };
    for await (const item of readAhead(3, read)) log.push(`use ${item}`);
    expect(log).toEqual(['read 0', 'read 1', 'use 0', 'read 2', 'use 1', 'use 2']);
  });

  it('waits for the read under way when the consumer throws', async () => {
    let reading = 0;
    const read = async (index: number) => {
      reading++;
      await setTimeout(5);
      reading--;
      return index;
    };
    const consume = async () => {
      for await (const _ of readAhead(5, read)) throw new Error('consumer');
    };
    await expect(consume()).rejects.toThrow('consumer');
    expect(reading).toBe(0);
  });

  it('reports a failed read when its item is due, not before', async () => {
    const seen: number[] = [];
    const read = (index: number) => (index === 2 ? Promise.reject(new Error('disk')) : Promise.resolve(index));
    const consume = async () => {
      for await (const item of readAhead(4, read)) {
        await setTimeout(1);
        seen.push(item);
      }
    };
    await expect(consume()).rejects.toThrow('disk');
    expect(seen).toEqual([0, 1]);
  });
});
