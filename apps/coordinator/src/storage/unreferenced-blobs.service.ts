import { Injectable } from '@nestjs/common';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { Database, type Db } from '../platform/database/database.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { BlobReferences } from './blob-references.service.js';
import { RetentionRepository } from './retention.repository.js';

/** Files that are looked at in one transaction: for so long no replica writes a row that names a file. */
const FILES_AT_ONCE = 50;

/** Removes blobs that no row names: of a process that died between writing a file and writing the row that names it. */
@Injectable()
export class UnreferencedBlobsService {
  constructor(
    private readonly database: Database,
    private readonly repository: RetentionRepository,
    private readonly references: BlobReferences,
    private readonly blobs: BlobStore,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Safe beside other replicas: whoever writes a row holds off the removal, and finds out if it came too late.
   *
   * @param ageMs Younger ones stay: their row may be about to be written.
   * @returns Bytes freed.
   */
  async remove(ageMs: number): Promise<number> {
    const old = await this.blobs.olderThan(ageMs);
    let freedBytes = 0;
    for (let begin = 0; begin < old.length; begin += FILES_AT_ONCE) {
      const found = await this.unreferenced(this.database.db, old.slice(begin, begin + FILES_AT_ONCE));
      if (found.length > 0) freedBytes += await this.removeOld(found, ageMs);
    }
    this.metrics.prunedBytes.inc(freedBytes);
    return freedBytes;
  }

  /** A file may have got a row, or been written again, since it was found. */
  private removeOld(found: readonly string[], ageMs: number): Promise<number> {
    return this.database.transaction(async (db) => {
      await this.references.lockForRemoval(db);
      let freedBytes = 0;
      for (const sha256 of await this.unreferenced(db, found)) {
        if (await this.blobs.isOlderThan(sha256, ageMs)) freedBytes += await this.blobs.remove(sha256);
      }
      return freedBytes;
    });
  }

  private async unreferenced(db: Db, sha256s: readonly string[]): Promise<string[]> {
    const referenced = await this.repository.referencedOf(db, sha256s);
    return sha256s.filter((sha256) => !referenced.has(sha256));
  }
}
