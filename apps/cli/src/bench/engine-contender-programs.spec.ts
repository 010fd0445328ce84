import { describe, expect, it } from '@jest/globals';
import { benchCase } from './bench-case.js';
import { clippingContenders, ourContenders } from './engine-contender-programs.js';

const run = { bench: benchCase('mini'), task: 'train', threads: 2 } as const;

function optionsOf({ args }: { readonly args: readonly string[] }): Record<string, unknown> {
  return JSON.parse(args.at(-1) ?? '') as Record<string, unknown>;
}

describe('the contenders of the engine bench', () => {
  it('clip the examples in the same programs, in the same order, as they train without', () => {
    const clipping = clippingContenders(run).map(optionsOf);
    const plain = ourContenders(run).slice(0, clipping.length).map(optionsOf);
    expect(plain).toMatchObject([{ layout: 'plain', threads: 2 }, { layout: 'blocked' }]);
    expect(clipping).toEqual(plain.map((options) => ({ ...options, exampleClipNorm: expect.any(Number) })));
  });

  it('have names that tell them apart', () => {
    const names = [...ourContenders(run), ...clippingContenders(run)].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
