import { describe, expect, it } from '@jest/globals';
import { modelReferenceOf } from './model-reference.js';
import { npzOfBytes } from './npz-file.js';
import { parseSeeds } from './seed-list.js';

describe('seeds and references', () => {
  it('reads ranges and lists', () => {
    expect(parseSeeds('3,7-9')).toEqual([3, 7, 8, 9]);
  });

  it.each(['', '9-7', 'a', '1-', '4294967296', '0-99999999'])('refuses the seeds %j', (text) => {
    expect(() => parseSeeds(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });

  it('tells a run from a version', () => {
    expect(modelReferenceOf('run-4f3a9c1d')).toEqual({ runId: 'run-4f3a9c1d', round: null });
    expect(modelReferenceOf('run-4f3a9c1d/20')).toEqual({ runId: 'run-4f3a9c1d', round: 20 });
  });

  it.each(['model', 'run-4f3a9c1d/x', 'run-4f3a9c1d/1/2', ''])('refuses the reference %j', (text) => {
    expect(() => modelReferenceOf(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });
});

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
