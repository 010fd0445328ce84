import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { numberBetween, parseVerbOptions, wholeNumber } from './verb-options.js';

const schema = z.object({ rounds: wholeNumber(1, 1e11).optional(), emaDecay: numberBetween(0, 1).optional() });

describe('numbers typed on the command line', () => {
  it.each([
    [{ rounds: '4' }, { rounds: 4 }],
    [{ rounds: '1e8' }, { rounds: 1e8 }],
    [{ rounds: 12 }, { rounds: 12 }],
    [{ emaDecay: '.5' }, { emaDecay: 0.5 }],
    [{ emaDecay: '1e-3' }, { emaDecay: 0.001 }],
    [{}, {}],
  ])('%j are %j', (typed, expected) => {
    expect(parseVerbOptions(schema, typed)).toEqual(expected);
  });

  it.each(['', ' ', '0x10', '1.5', '0', '2e11', 'many', 'NaN', 'Infinity'])('%j is no number of rounds', (rounds) => {
    expect(() => parseVerbOptions(schema, { rounds })).toThrow('--rounds: a whole number from 1 to 100000000000');
  });

  it.each(['', '0b1', 'x', '-0.1', '1.01'])('%j is no share', (emaDecay) => {
    expect(() => parseVerbOptions(schema, { emaDecay })).toThrow('--ema-decay: a number from 0 to 1');
  });
});
