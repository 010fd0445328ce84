import { Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { ModelCatalogueService } from '../models/model-catalogue.service.js';
import { VersionsService, type Version } from '../models/versions.service.js';
import type { Principal } from '../platform/access/access.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { RunsService } from '../runs/runs.service.js';

/** A bound for what is remembered of files, far above those that sites ask for at a time. */
const MOST_REMEMBERED = 1000;

/** Who may have which file: admins all, sites the versions of their runs, researchers released ones. */
@Injectable()
export class BlobAccessService {
  /** Sites that may have a file, by its hash. Versions and the sites of a run stay: a yes does, a no may become one. */
  private readonly readers = new Map<string, ReadonlySet<string>>();

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
    if (caller.role === 'site' && this.readers.get(sha256)?.has(caller.id) === true) {
      const knownBytes = await this.blobs.sizeOf(sha256);
      if (knownBytes !== null) return knownBytes;
    }
    const versions = await this.versions.withBlob(sha256);
    if (!(await this.mayRead(sha256, versions, caller))) throw new TributaryError('NOT_FOUND', { detail: 'blob' });
    const sizeBytes = await this.blobs.sizeOf(sha256);
    if (sizeBytes !== null) return sizeBytes;
    throw new TributaryError(versions.length > 0 ? 'MODEL_VERSION_PRUNED' : 'NOT_FOUND', { detail: 'blob' });
  }

  private async mayRead(sha256: string, versions: readonly Version[], caller: Principal): Promise<boolean> {
    if (caller.role === 'admin') return true;
    if (caller.role === 'researcher') return this.catalogue.isReleased(versions);
    const sites = await Promise.all(versions.map(({ runId }) => this.runs.sitesOf(runId)));
    const readers = new Set(sites.flat());
    if (this.readers.size >= MOST_REMEMBERED) this.readers.clear();
    this.readers.set(sha256, readers);
    return readers.has(caller.id);
  }
}
