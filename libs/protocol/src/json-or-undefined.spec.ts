import { describe, expect, it } from '@jest/globals';
import { jsonOrUndefined } from './json-or-undefined.js';

describe('jsonOrUndefined', () => {
  it.each(['{"a":[1]}', 'null', '0', '""', 'false'])('gives the value of %s', (text) => {
    expect(jsonOrUndefined(text)).toEqual(JSON.parse(text));
  });

  it.each(['', '<html>', '{"a":', 'undefined'])('gives undefined for %j', (text) => {
    expect(jsonOrUndefined(text)).toBeUndefined();
  });
});
