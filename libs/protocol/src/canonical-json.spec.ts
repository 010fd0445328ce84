import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

describe('canonical JSON', () => {
  it('sorts keys by code unit at every depth and leaves no white space (RFC 8785, section 3.2.3)', () => {
    expect(canonicalJson({ b: [1, { z: 'é', a: null }], a: 1e30, B: false })).toBe(
      '{"B":false,"a":1e+30,"b":[1,{"a":null,"z":"é"}]}',
    );
  });

  it('gives the same text whatever the order of insertion, and parses back to the value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], [() => 1], [10n]])(
    'refuses %p, which JSON cannot carry',
    (value) => {
      expect(() => canonicalJson({ value })).toThrow(TypeError);
    },
  );
});
