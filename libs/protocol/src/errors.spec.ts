import { describe, expect, it } from '@jest/globals';
import { ERRORS, isErrorCode, TributaryError } from './errors.js';

describe('the error catalogue', () => {
  it.each(Object.entries(ERRORS))('%s says what happened and what to do, with an HTTP error status', (code, spec) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(spec.text).toMatch(/^[a-z].*[^.]$/);
    expect(spec.remedy).toMatch(/^[A-Z].*\.$/);
    expect(spec.status).toBeGreaterThanOrEqual(400);
    expect(spec.status).toBeLessThan(600);
  });

  it('puts the detail of an occurrence behind the text of its code', () => {
    const error = new TributaryError('UPDATE_WRONG_SIZE', { detail: 'announced 12, received 8' });
    expect(error.message).toBe(`${ERRORS.UPDATE_WRONG_SIZE.text}: announced 12, received 8`);
    expect(error.spec.status).toBe(422);
  });

  it('tells codes from other strings, inherited names included', () => {
    expect(isErrorCode('NOT_FOUND')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode(7)).toBe(false);
  });
});
