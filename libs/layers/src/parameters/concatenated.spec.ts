import { describe, expect, it } from '@jest/globals';
import { concatenated } from './concatenated.js';

describe('concatenated', () => {
  it('puts parts one after the other, in a vector of its own', () => {
    const part = Float32Array.of(1, 2);
    const whole = concatenated([part, new Float32Array(0), Float32Array.of(3)]);
    part.fill(0);
    expect([...whole]).toEqual([1, 2, 3]);
    expect(concatenated([])).toHaveLength(0);
  });
});
