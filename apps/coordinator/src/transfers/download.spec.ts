import { describe, expect, it } from '@jest/globals';
import { downloadOf } from './download.js';

const file = { sha256: 'a'.repeat(64), sizeBytes: 1000 };
const tag = `"${file.sha256}"`;

describe('a download', () => {
  it('is the whole file without a range', () => {
    expect(downloadOf({}, file)).toMatchObject({
      status: 200,
      headers: { 'content-length': '1000' },
      range: undefined,
    });
  });

  it.each([
    ['bytes=0-99', 0, 100, 'bytes 0-99/1000'],
    ['bytes=900-', 900, 1000, 'bytes 900-999/1000'],
    ['bytes=-10', 990, 1000, 'bytes 990-999/1000'],
    ['bytes=990-5000', 990, 1000, 'bytes 990-999/1000'],
  ])('answers %s with those bytes', (range, begin, end, contentRange) => {
    expect(downloadOf({ range }, file)).toMatchObject({
      status: 206,
      headers: { 'content-range': contentRange, 'content-length': String(end - begin) },
      range: { begin, end },
    });
  });

  it.each(['bytes=0-1,5-6', 'bytes=nonsense', 'items=0-1', 'items=1000-', 'bytes'])(
    'is the whole file for %s',
    (range) => {
      expect(downloadOf({ range }, file)).toMatchObject({ status: 200, range: undefined });
    },
  );

  it('is refused for a range behind the end', () => {
    expect(downloadOf({ range: 'bytes=1000-' }, file)).toEqual({ kind: 'outside' });
  });

  it('is not sent again to someone who has it', () => {
    expect(downloadOf({ 'if-none-match': `"other", W/${tag}` }, file)).toMatchObject({ status: 304 });
    expect(downloadOf({ 'if-none-match': '"other"' }, file)).toMatchObject({ status: 200 });
  });

  it('is the whole file when the range was meant for another one', () => {
    expect(downloadOf({ range: 'bytes=5-', 'if-range': '"other"' }, file)).toMatchObject({ status: 200 });
    expect(downloadOf({ range: 'bytes=5-', 'if-range': tag }, file)).toMatchObject({ status: 206 });
  });
});
