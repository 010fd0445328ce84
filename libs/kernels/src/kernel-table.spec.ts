import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { KERNEL_TABLE } from './kernel-table.js';

describe('the table of kernels', () => {
  const names = KERNEL_TABLE.map(({ name }) => name);

  it('names every kernel once', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it("has names of tfjs's kernels, but for the layers' own", () => {
    const known = new Set<unknown>(Object.values(tf));
    expect(names.filter((name) => !name.startsWith('Tributary') && !known.has(name))).toEqual([]);
  });
});
