import { describe, expect, it } from '@jest/globals';
import { npzOfBytes } from './npz-file.js';

describe('npzOfBytes', () => {
  it('writes the member that numpy.save writes for the same array', () => {
    // numpy 2: numpy.save(f, numpy.arange(6, dtype='u1').reshape(2, 3, 1))
    const npz = npzOfBytes(Uint8Array.from([0, 1, 2, 3, 4, 5]), [2, 3, 1]);
    const start = 30 + 'arr_0.npy'.length;
    const member = npz.subarray(start, start + 128 + 6);
    expect(member.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
    expect(member.subarray(10, 128).toString('latin1').trimEnd()).toBe(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 1), }",
    );
    expect([...member.subarray(128)]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('refuses a shape that does not fit', () => {
    expect(() => npzOfBytes(new Uint8Array(5), [2, 3])).toThrow(RangeError);
  });
});
