import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TributaryError } from '@tributary/protocol';
import { randomSecret } from '../access/secret-hash.js';
import { errnoOf, isErrno } from '../errors/errno.js';

/** Injection token of the {@link Secrets}. */
export const SECRETS = Symbol('Secrets');

/** What only the coordinator's operator may read: files of mode 0600, the same for all replicas. */
export interface Secrets {
  /** The first admin's API key; null when the operator removed the file after the first start. */
  readonly adminKey: string | null;
  /** HMAC key of site access tokens. */
  readonly tokenKey: Buffer;
  /** Ed25519 key that signs releases. */
  readonly releaseKey: KeyObject;
}

const ADMIN_KEY_FILE = 'admin-key';
const TOKEN_KEY_FILE = 'token-key';
const RELEASE_KEY_FILE = 'release-key.pem';

/**
 * Makes the secrets that are missing; those that exist are kept. Replicas that start at the same moment end with the same.
 *
 * @param folder May be one that cannot be written, when all secrets are there.
 * @returns The secrets, and whether the admin key was made now.
 * @throws TributaryError DATA_DIR_NOT_WRITABLE.
 */
export function initialiseSecrets(folder: string): { secrets: Secrets; createdAdminKey: boolean } {
  try {
    const isNew = !existsSync(join(folder, TOKEN_KEY_FILE));
    if (isNew) makeFolder(folder);
    if (isNew) writeOnce(join(folder, ADMIN_KEY_FILE), () => `${randomSecret('tba')}\n`);
    writeOnce(join(folder, RELEASE_KEY_FILE), newReleaseKey);
    writeOnce(join(folder, TOKEN_KEY_FILE), () => randomBytes(32).toString('base64'));
    return { secrets: readSecrets(folder), createdAdminKey: isNew };
  } catch (error) {
    throw new TributaryError('DATA_DIR_NOT_WRITABLE', { detail: errnoOf(error) }, { cause: error });
  }
}

function readSecrets(folder: string): Secrets {
  const adminKeyPath = join(folder, ADMIN_KEY_FILE);
  return {
    adminKey: existsSync(adminKeyPath) ? readFileSync(adminKeyPath, 'utf8').trim() : null,
    tokenKey: Buffer.from(readFileSync(join(folder, TOKEN_KEY_FILE), 'utf8'), 'base64'),
    releaseKey: createPrivateKey(readFileSync(join(folder, RELEASE_KEY_FILE))),
  };
}

function newReleaseKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}

/** A link appears whole, and is refused when another replica was quicker. */
function writeOnce(path: string, content: () => string): void {
  if (existsSync(path)) return;
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content(), { mode: 0o600 });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    rmSync(temporary);
  }
}
