import { Injectable } from '@nestjs/common';
import { releaseSchema, type Release } from '@tributary/protocol';
import type { Release as ReleaseRow } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';
import { storedJson } from '../platform/database/stored-json.js';

export interface ReleasedVersion {
  readonly runId: string;
  readonly round: number;
}

@Injectable()
export class ReleaseRepository {
  /** Stores what was signed, for the version that it is about. */
  async create(
    db: Db,
    release: Release,
    { runId, round, createdAt }: ReleasedVersion & { createdAt: Date },
  ): Promise<void> {
    const { lineage, signature, publicKey } = release;
    await db.release.create({ data: { runId, round, lineage: storedJson(lineage), signature, publicKey, createdAt } });
  }

  async find(db: Db, runId: string): Promise<Release | null> {
    const row = await db.release.findUnique({ where: { runId } });
    return row === null ? null : toRelease(row);
  }

  /** Which version of each of these runs is released. */
  async released(db: Db, runIds: string[]): Promise<ReleasedVersion[]> {
    return db.release.findMany({ where: { runId: { in: runIds } }, select: { runId: true, round: true } });
  }
}

function toRelease({ lineage, signature, publicKey }: ReleaseRow): Release {
  return releaseSchema.parse({ lineage, signature, publicKey });
}
