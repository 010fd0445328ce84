import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { TributaryError } from '@tributary/protocol';

const RAW_KEY_BYTES = 32;
/** DER of SubjectPublicKeyInfo for Ed25519 up to the raw key (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * An Ed25519 public key from its 32 raw bytes.
 *
 * @param base64 Base64 of the raw key.
 * @throws TributaryError ENROL_KEY_INVALID.
 */
export function publicKeyFromRaw(base64: string): KeyObject {
  const raw = Buffer.from(base64, 'base64');
  if (raw.length !== RAW_KEY_BYTES)
    throw new TributaryError('ENROL_KEY_INVALID', { detail: 'an Ed25519 key has 32 bytes' });
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

/** `SHA256:` and the unpadded base64 of the raw key's SHA-256, as OpenSSH shows keys. */
export function fingerprintOf(base64: string): string {
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** True when `signature` (base64) is the key's Ed25519 signature of the UTF-8 `message`. */
export function isSignedBy(publicKey: string, message: string, signature: string): boolean {
  return verify(null, Buffer.from(message), publicKeyFromRaw(publicKey), Buffer.from(signature, 'base64'));
}
