import { S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import { alreadyExists, isMissing, toStoreError } from './s3-errors.js';

const answered = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });

describe('errors of the store', () => {
  it.each([
    ['SignatureDoesNotMatch', 403, 'BLOB_STORE_REFUSED'],
    ['NoSuchBucket', 404, 'BLOB_STORE_REFUSED'],
    ['PermanentRedirect', 301, 'BLOB_STORE_REFUSED'],
    ['SlowDown', 503, 'BLOB_STORE_UNREACHABLE'],
    ['InternalError', 500, 'BLOB_STORE_UNREACHABLE'],
  ])('%s, HTTP %d, is %s', (name, status, code) => {
    expect(toStoreError(answered(name, status))).toMatchObject({ code, context: { detail: name } });
  });

  it('are named by the code of the connection that failed', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(toStoreError(refused)).toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
  });

  it('are not made of a full disk, nor of what has a code already', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(toStoreError(full)).toBe(full);
    const known = new TributaryError('NOT_FOUND');
    expect(toStoreError(known)).toBe(known);
  });

  it('tell a missing object from one that is there already', () => {
    expect([isMissing(answered('NotFound', 404)), isMissing(answered('AccessDenied', 403))]).toEqual([true, false]);
    expect([alreadyExists(answered('PreconditionFailed', 412)), alreadyExists(new Error('x'))]).toEqual([true, false]);
  });
});
