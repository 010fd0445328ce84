import { Injectable } from '@nestjs/common';
import { CONTROL_VECTOR } from '@tributary/federation';
import { blobRefSchema, type BlobRef } from '@tributary/protocol';
import { z } from 'zod';
import type { ModelVersion as VersionRow } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';
import { storedJson } from '../platform/database/stored-json.js';

const stateSchema = z.record(z.string(), blobRefSchema);

export interface Version {
  readonly runId: string;
  readonly round: number;
  readonly weights: BlobRef;
  readonly ema: BlobRef;
  /** The strategy's server vectors after the round and averages of other widths, by name. */
  readonly state: Readonly<Record<string, BlobRef>>;
  readonly createdAt: Date;
  /** When its files were removed; null while they are there. */
  readonly prunedAt: Date | null;
}

/** A version that is being published. */
export type NewVersion = Omit<Version, 'prunedAt'>;

@Injectable()
export class ModelVersionRepository {
  async create(db: Db, { runId, round, weights, ema, state, createdAt }: NewVersion): Promise<void> {
    await db.modelVersion.create({
      data: {
        runId,
        round,
        weightsSha256: weights.sha256,
        weightsBytes: weights.sizeBytes,
        emaSha256: ema.sha256,
        emaBytes: ema.sizeBytes,
        state: storedJson(state),
        createdAt,
      },
    });
  }

  async find(db: Db, runId: string, round: number): Promise<Version | null> {
    const row = await db.modelVersion.findUnique({ where: { runId_round: { runId, round } } });
    return row === null ? null : toVersion(row);
  }

  async latest(db: Db, runId: string): Promise<Version | null> {
    const row = await db.modelVersion.findFirst({ where: { runId }, orderBy: { round: 'desc' } });
    return row === null ? null : toVersion(row);
  }

  /** Ascending by round; of all runs, newest run first, without `runId`. */
  async list(db: Db, runId: string | undefined, limit: number | undefined): Promise<Version[]> {
    const rows = await db.modelVersion.findMany({
      where: runId === undefined ? {} : { runId },
      orderBy: runId === undefined ? [{ createdAt: 'desc' }] : [{ round: 'asc' }],
      ...(limit === undefined ? {} : { take: limit }),
    });
    return rows.map(toVersion);
  }

  /** Versions that have this blob, as weights, as average, or else as the control variate that SCAFFOLD's sites read. */
  async withBlob(db: Db, sha256: string): Promise<Version[]> {
    const rows = await db.modelVersion.findMany({ where: { OR: [{ weightsSha256: sha256 }, { emaSha256: sha256 }] } });
    if (rows.length > 0) return rows.map(toVersion);
    const path = [CONTROL_VECTOR, 'sha256'];
    const control = await db.modelVersion.findMany({ where: { state: { path, equals: sha256 } } });
    return control.map(toVersion);
  }
}

function toVersion({ runId, round, createdAt, prunedAt, state, ...row }: VersionRow): Version {
  return {
    runId,
    round,
    createdAt,
    prunedAt,
    state: stateSchema.parse(state),
    weights: { sha256: row.weightsSha256, sizeBytes: Number(row.weightsBytes) },
    ema: { sha256: row.emaSha256, sizeBytes: Number(row.emaBytes) },
  };
}
