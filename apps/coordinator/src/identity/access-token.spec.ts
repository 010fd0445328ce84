import { describe, expect, it } from '@jest/globals';
import { issueAccessToken, looksLikeAccessToken, verifyAccessToken } from './access-token.js';

const KEY = Buffer.alloc(32, 7);
const NOW = new Date('2026-03-01T12:00:00Z');
const token = issueAccessToken({ siteId: 'site-a', expiresAtMs: NOW.getTime() + 1000 }, KEY);

describe('a site access token', () => {
  it('names its site until it expires', () => {
    expect(verifyAccessToken(token, KEY, NOW)).toBe('site-a');
    expect(() => verifyAccessToken(token, KEY, new Date(NOW.getTime() + 1000))).toThrow(
      expect.objectContaining({ code: 'AUTH_EXPIRED' }),
    );
  });

  it('is refused under another key', () => {
    expect(() => verifyAccessToken(token, Buffer.alloc(32, 8), NOW)).toThrow(
      expect.objectContaining({ code: 'AUTH_INVALID' }),
    );
  });

  it.each([
    [
      'another site',
      token.replace(/\.[^.]+\./, `.${Buffer.from('{"siteId":"site-b","expiresAtMs":9e15}').toString('base64url')}.`),
    ],
    ['no signature', token.slice(0, token.lastIndexOf('.') + 1)],
    ['half a signature', token.slice(0, -20)],
    ['nothing', 'v1.'],
    ['no claims', 'v1..'],
  ])('is refused with %s', (_, forged) => {
    expect(() => verifyAccessToken(forged, KEY, NOW)).toThrow(expect.objectContaining({ code: 'AUTH_INVALID' }));
  });

  it('is told apart from an API key', () => {
    expect(looksLikeAccessToken(token)).toBe(true);
    expect(looksLikeAccessToken('tba_something')).toBe(false);
  });
});
