import { Inject, Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import type { Db } from '../platform/database/database.js';
import { roundNeedBytes, type RoundToStore } from './storage-need.js';
import { StorageRepository } from './storage.repository.js';

/** Looks whether the disk has room for a round before it is opened, so that it need not fail half-way. */
@Injectable()
export class FreeSpaceService {
  constructor(
    private readonly blobs: BlobStore,
    private readonly repository: StorageRepository,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
  ) {}

  /**
   * What speaks against a round of `runId`: what it needs, what other open rounds may still write and the reserve are more
   * than is free. Null when there is room.
   */
  async shortageFor(db: Db, runId: string, round: RoundToStore): Promise<TributaryError | null> {
    const promised = (await this.repository.liveRounds(db, runId)).map(roundNeedBytes);
    const neededBytes =
      roundNeedBytes(round) + promised.reduce((sum, bytes) => sum + bytes, this.config.diskReserveBytes);
    return shortage(neededBytes, await this.blobs.freeBytes());
  }

  /** The same for the files that a closed round makes on this machine: its updates are stored already. */
  async shortageForAggregation(round: Omit<RoundToStore, 'awaitedSites'>): Promise<TributaryError | null> {
    return shortage(roundNeedBytes({ ...round, awaitedSites: 0 }), await this.blobs.freeStagingBytes());
  }

  /** What speaks against storing one more file: it and the reserve are more than is free. */
  async shortageForFile(sizeBytes: number): Promise<TributaryError | null> {
    return shortage(sizeBytes + this.config.diskReserveBytes, await this.blobs.freeBytes());
  }
}

function shortage(neededBytes: number, freeBytes: number): TributaryError | null {
  if (freeBytes >= neededBytes) return null;
  const detail = `${megabytes(neededBytes)} MB are needed, ${megabytes(freeBytes)} MB are free`;
  return new TributaryError('DISK_FULL', { detail, neededBytes, freeBytes });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
