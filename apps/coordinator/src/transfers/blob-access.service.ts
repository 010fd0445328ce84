import { Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { ModelCatalogueService } from '../models/model-catalogue.service.js';
import { VersionsService, type Version } from '../models/versions.service.js';
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

  /**
   * Size in bytes of a file that the caller may have.
   *
   * @throws TributaryError NOT_FOUND, also for what the caller may not have; MODEL_VERSION_PRUNED.
   */
  async sizeFor(sha256: string, caller: Principal): Promise<number> {
    const versions = await this.versions.withBlob(sha256);
    if (!(await this.mayRead(versions, caller))) throw new TributaryError('NOT_FOUND', { detail: 'blob' });
    const sizeBytes = await this.blobs.sizeOf(sha256);
    if (sizeBytes !== null) return sizeBytes;
    throw new TributaryError(versions.length > 0 ? 'MODEL_VERSION_PRUNED' : 'NOT_FOUND', { detail: 'blob' });
  }

  private async mayRead(versions: readonly Version[], caller: Principal): Promise<boolean> {
    if (caller.role === 'admin') return true;
    if (caller.role === 'researcher') return this.catalogue.isReleased(versions);
    const sites = await Promise.all(versions.map(({ runId }) => this.runs.sitesOf(runId)));
    return sites.flat().includes(caller.id);
  }
}
