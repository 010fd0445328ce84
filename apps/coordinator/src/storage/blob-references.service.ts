import { Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { BlobStore } from '../platform/blobs/blob-store.js';
import type { Db } from '../platform/database/database.js';

/** Names the advisory lock that writers of references share and that the remover of files takes alone. */
const BLOBS_LOCK_ID = 7_420_001;

/**
 * Keeps rows and files together: a row that names a file is written only while the file exists, and a file is removed only
 * while no row names it. Both hold a lock of the database until their transaction ends, so that neither overtakes the other.
 */
@Injectable()
export class BlobReferences {
  constructor(private readonly blobs: BlobStore) {}

  /**
   * To be called in the transaction that writes rows which name these files.
   *
   * @throws TributaryError ROUND_STALE_TRANSITION when one was removed after it was written: what made it is done again.
   */
  async hold(db: Db, sha256s: readonly string[]): Promise<void> {
    if ((await this.holdExisting(db, sha256s)).size > 0) {
      throw new TributaryError('ROUND_STALE_TRANSITION', { detail: 'one of its files was removed' });
    }
  }

  /** As {@link hold}, for files of which some may be gone. @returns Those that are: no row may name them. */
  async holdExisting(db: Db, sha256s: readonly string[]): Promise<Set<string>> {
    await db.$executeRaw`SELECT pg_advisory_xact_lock_shared(${BLOBS_LOCK_ID})`;
    const sizes = await Promise.all(
      [...new Set(sha256s)].map(async (sha256) => ({ sha256, sizeBytes: await this.blobs.sizeOf(sha256) })),
    );
    return new Set(sizes.flatMap(({ sha256, sizeBytes }) => (sizeBytes === null ? [sha256] : [])));
  }

  /** To be called first in the transaction that removes files. */
  async lockForRemoval(db: Db): Promise<void> {
    await db.$executeRaw`SELECT pg_advisory_xact_lock(${BLOBS_LOCK_ID})`;
  }
}
