import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TributaryError } from '@tributary/protocol';
import { readIfPresent } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';

/** The site's Ed25519 key. The private half stays in its file at the site; only signatures leave. */
export class SiteKey {
  /** Raw public key, 32 bytes, base64. */
  readonly publicKey: string;
  /** `SHA256:` and the base64 SHA-256 of the raw public key, without padding: what the admin compares by telephone. */
  readonly fingerprint: string;

  constructor(private readonly privateKey: KeyObject) {
    const raw = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
    const bytes = Buffer.from(raw, 'base64url');
    this.publicKey = bytes.toString('base64');
    this.fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  }

  /** Ed25519 signature of a text, base64. */
  sign(text: string): string {
    return sign(null, Buffer.from(text, 'utf8'), this.privateKey).toString('base64');
  }
}

/** Reads the key, or makes it: an enrolment that was interrupted goes on with the same key. */
export async function openSiteKey(keyFile: string): Promise<SiteKey> {
  const existing = await loadSiteKey(keyFile);
  if (existing !== undefined) return existing;
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFileAtomically(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), { mode: 0o600 });
  return new SiteKey(privateKey);
}

/**
 * @returns undefined where there is no key file.
 * @throws TributaryError CONFIG_INVALID when the file is not an Ed25519 private key.
 */
export async function loadSiteKey(keyFile: string): Promise<SiteKey | undefined> {
  const pem = await readIfPresent(keyFile);
  if (pem === undefined) return undefined;
  await chmod(keyFile, 0o600);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new TributaryError('CONFIG_INVALID', { detail: 'keys/site-key.pem is not a private key' });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TributaryError('CONFIG_INVALID', { detail: 'keys/site-key.pem is not an Ed25519 key' });
  }
  return new SiteKey(key);
}
