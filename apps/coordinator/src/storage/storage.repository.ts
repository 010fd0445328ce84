import { Injectable } from '@nestjs/common';
import { LIVE_ROUND_STATES, OPEN_ASSIGNMENT_STATES } from '@tributary/protocol';
import type { Db } from '../platform/database/database.js';
import { RECORDED_RECIPE, readableRecipe } from '../platform/database/stored-recipe.js';
import type { RoundToStore } from './storage-need.js';

/** Rounds that are going on, as far as disk space is concerned. */
@Injectable()
export class StorageRepository {
  /** Live rounds of all runs but one; without those that stand still because this version cannot read their recipe. */
  async liveRounds(db: Db, exceptRunId: string): Promise<RoundToStore[]> {
    const rounds = await db.round.findMany({
      where: { state: { in: LIVE_ROUND_STATES }, runId: { not: exceptRunId } },
      select: {
        kind: true,
        runId: true,
        run: { select: { ...RECORDED_RECIPE, versions: { where: { round: 0 }, select: { weightsBytes: true } } } },
        assignments: {
          where: { state: { in: OPEN_ASSIGNMENT_STATES } },
          select: { id: true },
        },
      },
    });
    return rounds.flatMap(({ kind, run, assignments }) => {
      const recipe = readableRecipe(run);
      const weightsBytes = Number(run.versions[0]?.weightsBytes ?? 0n);
      return recipe === null ? [] : [{ kind, recipe, awaitedSites: assignments.length, weightsBytes }];
    });
  }
}
