import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { choicesOf } from './schema-choices.js';

describe('the choices of a schema', () => {
  it('are all combinations of the fields whose values are listed, named by what is not default', () => {
    const schema = z.strictObject({
      noise: z.enum(['white', 'dark_pink']).default('white'),
      isLoud: z.boolean().default(true),
      gain: z.number().default(1),
      filter: z.enum(['low', 'high']).optional(),
    });
    expect(choicesOf(schema)).toEqual([
      { name: 'low', values: { noise: 'white', isLoud: true, filter: 'low' } },
      { name: 'high', values: { noise: 'white', isLoud: true, filter: 'high' } },
      { name: 'no-is-loud-low', values: { noise: 'white', isLoud: false, filter: 'low' } },
      { name: 'no-is-loud-high', values: { noise: 'white', isLoud: false, filter: 'high' } },
      { name: 'dark-pink-low', values: { noise: 'dark_pink', isLoud: true, filter: 'low' } },
      { name: 'dark-pink-high', values: { noise: 'dark_pink', isLoud: true, filter: 'high' } },
      { name: 'dark-pink-no-is-loud-low', values: { noise: 'dark_pink', isLoud: false, filter: 'low' } },
      { name: 'dark-pink-no-is-loud-high', values: { noise: 'dark_pink', isLoud: false, filter: 'high' } },
    ]);
  });

  it('go through every variant, also of transformed ones, and set given values only where the field is', () => {
    const schema = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('a'), width: z.number() }).transform((a) => ({ ...a, more: true })),
      z.strictObject({ kind: z.literal('b'), mode: z.enum(['x', 'y']) }),
    ]);
    expect(choicesOf(schema, { width: 3 })).toEqual([
      { name: 'a', values: { kind: 'a', width: 3 } },
      { name: 'b-x', values: { kind: 'b', mode: 'x' } },
      { name: 'b-y', values: { kind: 'b', mode: 'y' } },
    ]);
  });
});
