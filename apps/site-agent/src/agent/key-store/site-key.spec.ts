import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fingerprintSchema } from '@tributary/protocol';
import { loadSiteKey, openSiteKey } from './site-key.js';

/** RFC 8032, section 7.1, test 3: the secret key in PKCS 8 (RFC 8410), its public key and its signature of af82. */
const RFC8032_PEM = `-----BEGIN PRIVATE KEY-----\n${Buffer.concat([
  Buffer.from('302e020100300506032b657004220420', 'hex'),
  Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex'),
]).toString('base64')}\n-----END PRIVATE KEY-----\n`;
const RFC8032_PUBLIC = 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025';

describe('the site key', () => {
  let folder: string;
  let keyFile: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'key-'));
    keyFile = join(folder, 'keys', 'site-key.pem');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made once, readable by its owner only', async () => {
    const made = await openSiteKey(keyFile);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect((await openSiteKey(keyFile)).publicKey).toBe(made.publicKey);
    expect(await readFile(keyFile, 'utf8')).not.toContain(made.publicKey);
  });

  it('has the public key of the standard, and its SHA-256 as fingerprint', async () => {
    await openSiteKey(keyFile);
    await writeFile(keyFile, RFC8032_PEM);
    const key = await loadSiteKey(keyFile);
    expect(Buffer.from(key?.publicKey ?? '', 'base64').toString('hex')).toBe(RFC8032_PUBLIC);
    const digest = createHash('sha256').update(Buffer.from(RFC8032_PUBLIC, 'hex')).digest('base64');
    expect(key?.fingerprint).toBe(`SHA256:${digest.slice(0, 43)}`);
    expect(fingerprintSchema.safeParse(key?.fingerprint).success).toBe(true);
  });

  it('signs what the public key verifies', async () => {
    const key = await openSiteKey(keyFile);
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.publicKey, 'base64').toString('base64url') },
      format: 'jwk',
    });
    const signature = Buffer.from(key.sign('tributary-enrol:tok'), 'base64');
    expect(verify(null, Buffer.from('tributary-enrol:tok'), publicKey, signature)).toBe(true);
    expect(verify(null, Buffer.from('tributary-enrol:tik'), publicKey, signature)).toBe(false);
  });

  it('refuses a file that holds no Ed25519 key', async () => {
    await openSiteKey(keyFile);
    await writeFile(keyFile, 'nonsense');
    await expect(loadSiteKey(keyFile)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
