import { Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { ModelCatalogueService } from '../models/model-catalogue.service.js';
import { VersionsService } from '../models/versions.service.js';
import type { Principal } from '../platform/access/access.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { RunsService } from '../runs/runs.service.js';

/** Who may have which file: admins all, sites the versions of their runs, researchers released ones. */
@Injectable()
export class BlobAccessService {
  constructor(
    private readonly blobs: BlobStore,
    private readonly versions: VersionsService,
    private readonly catalogue: ModelCatalogueService,
    private readonly runs: RunsService,
  ) {}

  /** @throws TributaryError NOT_FOUND, also for what the caller may not have. */
  async pathFor(sha256: string, caller: Principal): Promise<string> {
    if ((await this.blobs.sizeOf(sha256)) === null || !(await this.mayRead(sha256, caller))) {
      throw new TributaryError('NOT_FOUND', { detail: 'blob' });
    }
    return this.blobs.pathOf(sha256);
  }

  private async mayRead(sha256: string, caller: Principal): Promise<boolean> {
    if (caller.role === 'admin') return true;
    const versions = await this.versions.withBlob(sha256);
    if (caller.role === 'researcher') return this.catalogue.isReleased(versions);
    const runs = await Promise.all(versions.map(({ runId }) => this.runs.get(runId)));
    return runs.some(({ sites }) => sites.includes(caller.id));
  }
}
