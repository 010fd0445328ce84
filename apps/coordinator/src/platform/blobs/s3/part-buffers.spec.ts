import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { PartBuffers } from './part-buffers.js';

describe('PartBuffers', () => {
  it('lets no more parts be under way than it was made for, and all of them in the end, in order', async () => {
    const buffers = new PartBuffers(2);
    let underWay = 0;
    let most = 0;
    const begun: number[] = [];
    const parts = Array.from({ length: 7 }, (_, part) =>
      buffers.use(10, async (buffer) => {
        begun.push(part);
        most = Math.max(most, ++underWay);
        buffer.fill(part);
        await delay(1);
        expect(buffer.every((byte) => byte === part)).toBe(true);
        underWay--;
        return part;
      }),
    );
    expect(await Promise.all(parts)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([most, begun]).toEqual([2, [0, 1, 2, 3, 4, 5, 6]]);
  });

  it('uses the memory of one part for the next, and gives it back when none is under way', async () => {
    const buffers = new PartBuffers(1);
    const memories: ArrayBufferLike[] = [];
    const use = (sizeBytes: number) =>
      buffers.use(sizeBytes, (buffer) => {
        memories.push(buffer.buffer);
        expect(buffer.length).toBe(sizeBytes);
        return Promise.resolve();
      });
    await Promise.all([use(1000), use(10), use(2000)]);
    expect(memories[1]).toBe(memories[0]);
    expect(memories[2]).not.toBe(memories[0]);
    expect(memories.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0]);
  });

  it('lets the next part go when one fails, with other memory: the system may still read the old', async () => {
    const buffers = new PartBuffers(1);
    const memories: ArrayBufferLike[] = [];
    const failed = buffers.use(10, (buffer) => {
      memories.push(buffer.buffer);
      return Promise.reject(new Error('gone'));
    });
    const next = buffers.use(10, (buffer) => Promise.resolve(buffer.buffer !== memories[0]));
    await expect(failed).rejects.toThrow('gone');
    expect(await next).toBe(true);
    expect(memories[0]?.byteLength).toBe(10);
  });
});
