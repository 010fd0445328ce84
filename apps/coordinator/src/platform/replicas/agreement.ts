import { createHash, createPublicKey } from 'node:crypto';
import { TributaryError } from '@tributary/protocol';
import type { Secrets } from '../data-dir/secrets.js';
import type { DatabaseSession, SessionQuery } from '../database/database-session.js';

/** What all replicas must have in common, each with the class of the advisory locks that tell its value. */
const COMMON = [
  { lockClass: 7422, subject: 'secrets' },
  { lockClass: 7423, subject: 'blobs' },
] as const;

const HOLD = 'SELECT pg_advisory_lock_shared($1, hashtext($2))';
const OTHERS = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = $1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND objid::bigint <> (hashtext($2)::bigint & 4294967295)`;

/**
 * Makes sure that the replicas which run now have the same keys and the same blob store: a token that one issues is good for
 * all, and a file that one writes is there for all.
 *
 * @throws TributaryError REPLICA_MISMATCH that says in what they differ.
 */
export async function assertAgreement(
  session: DatabaseSession,
  { secrets, storeId }: { readonly secrets: Secrets; readonly storeId: string },
): Promise<void> {
  const values = { secrets: fingerprintOf(secrets), blobs: storeId };
  await session.onEach(async (query) => {
    for (const { lockClass, subject } of COMMON) await query(HOLD, [lockClass, values[subject]]);
  });
  for (const { lockClass, subject } of COMMON) {
    if (await differs(session.query, [lockClass, values[subject]])) {
      throw new TributaryError('REPLICA_MISMATCH', { detail: subject });
    }
  }
}

async function differs(query: SessionQuery, values: unknown[]): Promise<boolean> {
  return (await query(OTHERS, values)).rows.length > 0;
}

function fingerprintOf({ tokenKey, releaseKey }: Secrets): string {
  const publicKey = createPublicKey(releaseKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(tokenKey).update(publicKey).digest('hex');
}
