import { Inject, Injectable } from '@nestjs/common';
import { TributaryError, type Release } from '@tributary/protocol';
import { SECRETS, type Secrets } from '../platform/data-dir/secrets.js';
import { Database, type Db } from '../platform/database/database.js';
import { lineageOf, type CountedUpdate, type LineageMaterial } from './lineage.js';
import { signLineage } from './release-signature.js';
import { ReleaseRepository, type ReleasedVersion } from './release.repository.js';

export type { CountedUpdate, LineageMaterial, ReleasedVersion };

@Injectable()
export class ReleaseService {
  constructor(
    private readonly database: Database,
    private readonly releases: ReleaseRepository,
    @Inject(SECRETS) private readonly secrets: Secrets,
  ) {}

  /** Signs the lineage of a version and releases it, in the caller's transaction. */
  async create(db: Db, material: LineageMaterial): Promise<Release> {
    const release = signLineage(lineageOf(material), this.secrets.releaseKey);
    const released = { runId: material.run.id, round: material.version.round };
    await this.releases.create(db, release, { ...released, createdAt: material.createdAt });
    return release;
  }

  /** @throws TributaryError NOT_FOUND. */
  async get(runId: string): Promise<Release> {
    const release = await this.releases.find(this.database.db, runId);
    if (release === null) throw new TributaryError('NOT_FOUND', { detail: `release of ${runId}` });
    return release;
  }

  released(runIds: string[]): Promise<ReleasedVersion[]> {
    return this.releases.released(this.database.db, runIds);
  }
}
