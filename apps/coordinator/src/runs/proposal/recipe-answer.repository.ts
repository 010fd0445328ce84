import { Injectable } from '@nestjs/common';
import type { Db } from '../../platform/database/database.js';

export interface RecipeDecision {
  readonly siteId: string;
  readonly approved: boolean;
  readonly reason: string | null;
}

@Injectable()
export class RecipeAnswerRepository {
  /** Keeps answers, one a site; what a site says again is kept once. @returns The sites whose answer is another than before. */
  async putAll(db: Db, runId: string, decisions: readonly RecipeDecision[]): Promise<Set<string>> {
    const rows = await db.$queryRaw<{ siteId: string }[]>`
      INSERT INTO "RecipeAnswer" AS known ("runId", "siteId", "approved", "reason")
      SELECT ${runId}, said."siteId", said."approved", said."reason"
      FROM jsonb_to_recordset(${JSON.stringify(decisions)}::jsonb) AS said("siteId" text, "approved" boolean, "reason" text)
      ON CONFLICT ("runId", "siteId") DO UPDATE
        SET "approved" = excluded."approved", "reason" = excluded."reason", "answeredAt" = now()
        WHERE known."approved" <> excluded."approved"
      RETURNING "siteId"`;
    return new Set(rows.map(({ siteId }) => siteId));
  }

  async list(db: Db, runId: string): Promise<RecipeDecision[]> {
    return db.recipeAnswer.findMany({ where: { runId }, select: { siteId: true, approved: true, reason: true } });
  }

  async count(db: Db, runId: string): Promise<number> {
    return db.recipeAnswer.count({ where: { runId } });
  }

  /** Which sites have answered which runs. */
  async answeredBy(
    db: Db,
    siteIds: readonly string[],
    runIds: readonly string[],
  ): Promise<{ siteId: string; runId: string }[]> {
    return db.recipeAnswer.findMany({
      where: { siteId: { in: [...siteIds] }, runId: { in: [...runIds] } },
      select: { siteId: true, runId: true },
    });
  }
}
