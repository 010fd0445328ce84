import { describe, expect, it } from '@jest/globals';
import { releaseChunk } from './release-chunk.js';

describe('releaseChunk', () => {
  it('leaves nothing of a chunk that has its memory alone', () => {
    const chunk = new Uint8Array(1000);
    const { buffer } = chunk;
    releaseChunk(chunk);
    expect([chunk.byteLength, buffer.byteLength, buffer.detached]).toEqual([0, 0, true]);
  });

  it('leaves memory alone that is shared with others', () => {
    const whole = new Uint8Array(1000).fill(7);
    releaseChunk(whole.subarray(1));
    releaseChunk(new Uint8Array(new SharedArrayBuffer(8)));
    expect(whole.every((value) => value === 7)).toBe(true);
  });
});
