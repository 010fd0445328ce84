import { Injectable } from '@nestjs/common';
import { widthOfVector } from '@tributary/federation/averages/server-averages';
import { TributaryError, type ModelVersion, type Release } from '@tributary/protocol';
import type { Principal } from '../platform/access/access.js';
import { Database } from '../platform/database/database.js';
import { ReleaseService } from './release.service.js';
import { VersionsService, type Version } from './versions.service.js';

/** What people may see of the models. */
@Injectable()
export class ModelCatalogueService {
  constructor(
    private readonly database: Database,
    private readonly versions: VersionsService,
    private readonly releases: ReleaseService,
  ) {}

  async list(runId: string | undefined, caller: Principal): Promise<ModelVersion[]> {
    const views = await this.views(await this.versions.list(runId));
    return views.filter(({ released }) => released || caller.role === 'admin');
  }

  /** @throws TributaryError NOT_FOUND, also for what the caller may not see. */
  async show(runId: string, round: number, caller: Principal): Promise<ModelVersion> {
    const version = await this.versions.get(this.database.db, runId, round);
    const [view] = await this.views([version]);
    if (view === undefined || !(view.released || caller.role === 'admin')) {
      throw new TributaryError('NOT_FOUND', { detail: `model version ${runId}/${round}` });
    }
    return view;
  }

  release(runId: string): Promise<Release> {
    return this.releases.get(runId);
  }

  /** Whether any of these versions is released. */
  async isReleased(versions: readonly Version[]): Promise<boolean> {
    return (await this.views(versions)).some(({ released }) => released);
  }

  private async views(versions: readonly Version[]): Promise<ModelVersion[]> {
    const released = await this.releases.released([...new Set(versions.map(({ runId }) => runId))]);
    const releasedRounds = new Map(released.map(({ runId, round }) => [runId, round]));
    return versions.map(({ runId, round, weights, ema, state, createdAt, prunedAt }) => ({
      version: `${runId}/${round}`,
      runId,
      round,
      weights,
      ema,
      averages: averagesIn(state),
      createdAt: createdAt.toISOString(),
      prunedAt: prunedAt?.toISOString() ?? null,
      released: releasedRounds.get(runId) === round,
    }));
  }
}

function averagesIn(state: Version['state']): ModelVersion['averages'] {
  return Object.entries(state).flatMap(([name, blob]) => {
    const width = widthOfVector(name);
    return width === null ? [] : [{ width, ...blob }];
  });
}
