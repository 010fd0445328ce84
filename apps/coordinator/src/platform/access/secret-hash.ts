import { createHash, randomBytes } from 'node:crypto';

/** SHA-256 (hex) under which a key or token of at least 256 random bits is kept. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** 256 random bits of the operating system as base64url, behind a prefix that says what it is. */
export function randomSecret(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}
