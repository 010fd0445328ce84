import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { KERNEL_TABLE } from './kernel-table.js';

const REFERENCE = path.resolve(import.meta.dirname, '../../../../docs/ref-engine.md');

describe('the table of kernels', () => {
  const tfjsKernels = KERNEL_TABLE.map(({ name }) => name).filter((name) => !name.startsWith('Tributary'));

  it('names every kernel once', () => {
    expect(new Set(tfjsKernels).size).toBe(tfjsKernels.length);
  });

  it('is the list of the reference page', () => {
    const page = readFileSync(REFERENCE, 'utf8');
    const section = page.slice(page.indexOf('## Kernels'), page.indexOf('Limits:'));
    const listed = [...section.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual(tfjsKernels.toSorted());
  });
});
