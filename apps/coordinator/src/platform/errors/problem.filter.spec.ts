import { describe, expect, it } from '@jest/globals';
import { BadRequestException, NotFoundException, PayloadTooLargeException } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { toTributaryError } from './problem.filter.js';

describe('errors as problems', () => {
  it.each([
    [new TributaryError('SITE_REVOKED'), 'SITE_REVOKED'],
    [new NotFoundException('Cannot GET /nowhere'), 'ROUTE_NOT_FOUND'],
    [new BadRequestException('Unexpected token'), 'REQUEST_INVALID'],
    [new PayloadTooLargeException(), 'REQUEST_TOO_LARGE'],
    [Object.assign(new SyntaxError('Unexpected end'), { statusCode: 400 }), 'REQUEST_INVALID'],
    [Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }), 'DISK_FULL'],
    [new Error('SELECT password FROM people'), 'INTERNAL'],
    ['thrown text', 'INTERNAL'],
    [undefined, 'INTERNAL'],
  ])('%p becomes %s', (thrown, code) => {
    expect(toTributaryError(thrown).code).toBe(code);
  });

  it('says nothing of an error that nobody foresaw', () => {
    expect(toTributaryError(new Error('SELECT password FROM people')).message).not.toContain('password');
  });
});
