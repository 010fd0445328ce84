import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { ConstantUpdate } from './constant-update.js';

const header = Buffer.from('the header of the file  ');
const numbers = new Float32Array(3_000_000).fill(0.75);
const whole = Buffer.concat([header, Buffer.from(numbers.buffer)]);
const update = new ConstantUpdate(header, whole.length, 0.75);

describe('ConstantUpdate', () => {
  it.each([
    [0, 100],
    [10, 7],
    [header.length + 3, 5_000_001],
    [whole.length - 5, 64],
  ])('reads from byte %i on what a file would hold', async (position, length) => {
    const buffer = Buffer.alloc(length + 2);
    const { bytesRead } = await update.read(buffer, 2, length, position);
    const expected = whole.subarray(position, position + length);
    expect(bytesRead).toBe(expected.length);
    expect(buffer.subarray(2, 2 + bytesRead).equals(expected)).toBe(true);
  });

  it('knows the hash of that file', () => {
    expect(update.sha256()).toBe(createHash('sha256').update(whole).digest('hex'));
  });
});
