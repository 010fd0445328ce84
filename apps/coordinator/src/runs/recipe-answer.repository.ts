import { Injectable } from '@nestjs/common';
import type { Db } from '../platform/database/database.js';

export interface RecipeDecision {
  readonly siteId: string;
  readonly approved: boolean;
  readonly reason: string | null;
}

@Injectable()
export class RecipeAnswerRepository {
  /** Keeps a site's latest answer. @returns False when it said the same before. */
  async put(db: Db, runId: string, { siteId, approved, reason }: RecipeDecision): Promise<boolean> {
    const known = await db.recipeAnswer.findUnique({ where: { runId_siteId: { runId, siteId } } });
    if (known?.approved === approved) return false;
    await db.recipeAnswer.upsert({
      where: { runId_siteId: { runId, siteId } },
      create: { runId, siteId, approved, reason },
      update: { approved, reason, answeredAt: new Date() },
    });
    return true;
  }

  async list(db: Db, runId: string): Promise<RecipeDecision[]> {
    return db.recipeAnswer.findMany({ where: { runId }, select: { siteId: true, approved: true, reason: true } });
  }

  async count(db: Db, runId: string): Promise<number> {
    return db.recipeAnswer.count({ where: { runId } });
  }

  /** Runs that a site has answered. */
  async answeredBy(db: Db, siteId: string, runIds: string[]): Promise<Set<string>> {
    const rows = await db.recipeAnswer.findMany({
      where: { siteId, runId: { in: runIds } },
      select: { runId: true },
    });
    return new Set(rows.map(({ runId }) => runId));
  }
}
