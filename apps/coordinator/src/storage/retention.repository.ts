import { Injectable } from '@nestjs/common';
import { LIVE_ROUND_STATES, OPEN_ASSIGNMENT_STATES, blobRefSchema, type Recipe } from '@tributary/protocol';
import { z } from 'zod';
import type { Db } from '../platform/database/database.js';
import { RECORDED_RECIPE, readableRecipe } from '../platform/database/stored-recipe.js';

const stateSchema = z.record(z.string(), blobRefSchema);
const referencedRowsSchema = z.array(z.object({ sha256: z.string() }));

/** Files of one row that may be removed. */
export interface StoredVersion {
  readonly round: number;
  readonly sha256s: readonly string[];
}

/** The file of an update, or of an evaluation's result. */
export interface StoredUpdate {
  readonly assignmentId: string;
  readonly sha256: string;
  /** Number of its round. */
  readonly n: number;
  /** Of a training round; an evaluation's files are of no use once it is scored. */
  readonly isPublished: boolean;
}

/** What rows say about files. A blob may belong to many rows: runs with the same seed make the same bytes. */
@Injectable()
export class RetentionRepository {
  /** Runs that go on, or ended after `since`; without those whose rule this version cannot read: their files stay. */
  async runsSince(db: Db, since: Date): Promise<{ id: string; recipe: Recipe }[]> {
    const rows = await db.run.findMany({
      where: { startedAt: { not: null }, OR: [{ endedAt: null }, { endedAt: { gte: since } }] },
      select: { id: true, ...RECORDED_RECIPE },
    });
    return rows.flatMap((row) => {
      const recipe = readableRecipe(row);
      return recipe === null ? [] : [{ id: row.id, recipe }];
    });
  }

  /** Versions of a run whose files have not been removed. */
  async storedVersions(db: Db, runId: string): Promise<StoredVersion[]> {
    const rows = await db.modelVersion.findMany({ where: { runId, prunedAt: null }, orderBy: { round: 'asc' } });
    return rows.map(({ round, weightsSha256, emaSha256, state }) => ({
      round,
      sha256s: [weightsSha256, emaSha256, ...Object.values(stateSchema.parse(state)).map(({ sha256 }) => sha256)],
    }));
  }

  /** Updates and evaluations of ended rounds whose files have not been removed. */
  async storedUpdates(db: Db, runId: string): Promise<StoredUpdate[]> {
    const rows = await db.assignment.findMany({
      where: {
        runId,
        updateSha256: { not: null },
        updatePrunedAt: null,
        round: { state: { notIn: LIVE_ROUND_STATES } },
      },
      select: { id: true, updateSha256: true, round: { select: { n: true, state: true, kind: true } } },
    });
    return rows.flatMap(({ id, updateSha256, round: { n, state, kind } }) => {
      if (updateSha256 === null) return [];
      return [{ assignmentId: id, sha256: updateSha256, n, isPublished: kind === 'train' && state === 'published' }];
    });
  }

  /** Versions that somebody needs: the released one, and those that open assignments start from. */
  async versionsInUse(db: Db, runId: string): Promise<Set<number>> {
    const release = await db.release.findUnique({ where: { runId }, select: { round: true } });
    const open = await db.assignment.findMany({
      where: { runId, state: { in: OPEN_ASSIGNMENT_STATES } },
      select: { baseVersion: true },
    });
    return new Set([...(release === null ? [] : [release.round]), ...open.map(({ baseVersion }) => baseVersion)]);
  }

  /** The files of the versions after these rounds of a run are about to be removed. */
  async markVersionsPruned(
    db: Db,
    { runId, rounds }: { readonly runId: string; readonly rounds: number[] },
    at: Date,
  ): Promise<void> {
    await db.modelVersion.updateMany({ where: { runId, round: { in: rounds } }, data: { prunedAt: at } });
  }

  /** The files of these updates are about to be removed. */
  async markUpdatesPruned(db: Db, assignmentIds: string[], at: Date): Promise<void> {
    await db.assignment.updateMany({ where: { id: { in: assignmentIds } }, data: { updatePrunedAt: at } });
  }

  /** Those of these files that a row which has not been pruned names; asked once for a whole round's. */
  async referencedOf(db: Db, sha256s: readonly string[]): Promise<Set<string>> {
    const files = [...sha256s];
    const rows = referencedRowsSchema.parse(
      await db.$queryRaw`
        SELECT "updateSha256" AS "sha256" FROM "Assignment"
          WHERE "updatePrunedAt" IS NULL AND "updateSha256" = ANY(${files})
        UNION SELECT "weightsSha256" FROM "ModelVersion" WHERE "prunedAt" IS NULL AND "weightsSha256" = ANY(${files})
        UNION SELECT "emaSha256" FROM "ModelVersion" WHERE "prunedAt" IS NULL AND "emaSha256" = ANY(${files})
        UNION SELECT kept.value->>'sha256' FROM "ModelVersion", jsonb_each("state") AS kept
          WHERE "prunedAt" IS NULL AND kept.value->>'sha256' = ANY(${files})
        UNION SELECT "recipe"->'startFrom'->>'weightsSha256' FROM "Run"
          WHERE "startedAt" IS NULL AND "endedAt" IS NULL AND "recipe"->'startFrom'->>'weightsSha256' = ANY(${files})`,
    );
    return new Set(rows.map(({ sha256 }) => sha256));
  }
}
