import { Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { Database, type Db } from '../platform/database/database.js';
import { Together } from '../platform/together/together.js';
import { BlobReferences } from '../storage/blob-references.service.js';
import { ModelVersionRepository, type NewVersion, type Version } from './model-version.repository.js';

export type { Version };

const MAX_LISTED = 2000;

/** The weights that the rounds of runs have made; version 0 is the initial model. */
@Injectable()
export class VersionsService {
  private readonly finding: Together<string, Version[]>;

  constructor(
    private readonly database: Database,
    private readonly versions: ModelVersionRepository,
    private readonly references: BlobReferences,
  ) {
    this.finding = new Together((sha256s) => this.withBlobs(sha256s));
  }

  /** @throws TributaryError ROUND_STALE_TRANSITION when one of its files is gone. */
  async add(db: Db, version: NewVersion): Promise<void> {
    const { weights, ema, state } = version;
    await this.references.hold(
      db,
      [weights, ema, ...Object.values(state)].map(({ sha256 }) => sha256),
    );
    await this.versions.create(db, version);
  }

  latest(db: Db, runId: string): Promise<Version | null> {
    return this.versions.latest(db, runId);
  }

  /** @throws TributaryError NOT_FOUND. */
  async get(db: Db, runId: string, round: number): Promise<Version> {
    const version = await this.versions.find(db, runId, round);
    if (version === null) throw new TributaryError('NOT_FOUND', { detail: `model version ${runId}/${round}` });
    return version;
  }

  /** All versions of a run, ascending by round; without `runId` the newest of all runs. */
  list(runId?: string, db: Db = this.database.db): Promise<Version[]> {
    return this.versions.list(db, runId, runId === undefined ? MAX_LISTED : undefined);
  }

  /** Versions that have this blob. */
  withBlob(sha256: string): Promise<Version[]> {
    return this.finding.ask(sha256);
  }

  /** A thousand sites ask for the same blob at once. */
  private async withBlobs(sha256s: readonly string[]): Promise<Version[][]> {
    const found = new Map<string, Version[]>();
    for (const sha256 of new Set(sha256s)) found.set(sha256, await this.versions.withBlob(this.database.db, sha256));
    return sha256s.map((sha256) => found.get(sha256) ?? []);
  }
}
