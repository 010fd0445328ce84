import { createHmac, timingSafeEqual } from 'node:crypto';
import { TributaryError } from '@tributary/protocol';
import { z } from 'zod';

const VERSION = 'v1';
const claimsSchema = z.object({ siteId: z.string(), expiresAtMs: z.int() });
type Claims = z.infer<typeof claimsSchema>;

/** A short-lived token for a site: `v1.<claims>.<HMAC-SHA-256 of both>`, base64url. */
export function issueAccessToken(claims: Claims, key: Buffer): string {
  const body = `${VERSION}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${body}.${mac(body, key)}`;
}

/** True when the text has the form of a site's access token (and not of an API key). */
export function looksLikeAccessToken(text: string): boolean {
  return text.startsWith(`${VERSION}.`);
}

/**
 * @returns The site that the token was issued to.
 * @throws TributaryError AUTH_INVALID, AUTH_EXPIRED.
 */
export function verifyAccessToken(token: string, key: Buffer, now: Date): string {
  const end = token.lastIndexOf('.');
  const body = token.slice(0, end);
  if (!isEqual(token.slice(end + 1), mac(body, key))) throw new TributaryError('AUTH_INVALID');
  const claims = claimsSchema.parse(JSON.parse(Buffer.from(body.slice(VERSION.length + 1), 'base64url').toString()));
  if (claims.expiresAtMs <= now.getTime()) throw new TributaryError('AUTH_EXPIRED');
  return claims.siteId;
}

function mac(body: string, key: Buffer): string {
  return createHmac('sha256', key).update(body).digest('base64url');
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
