import { Injectable } from '@nestjs/common';
import { recipeSchema } from '@tributary/protocol';
import type { Db } from '../platform/database/database.js';
import type { RoundToStore } from './storage-need.js';

/** Rounds that are going on, as far as disk space is concerned. */
@Injectable()
export class StorageRepository {
  /** Live rounds of all runs but one. */
  async liveRounds(db: Db, exceptRunId: string): Promise<RoundToStore[]> {
    const rounds = await db.round.findMany({
      where: { state: { in: ['offered', 'collecting', 'aggregating'] }, runId: { not: exceptRunId } },
      select: {
        kind: true,
        runId: true,
        run: { select: { recipe: true, versions: { where: { round: 0 }, select: { weightsBytes: true } } } },
        assignments: {
          where: { state: { in: ['offered', 'accepted', 'training', 'uploading'] } },
          select: { id: true },
        },
      },
    });
    return rounds.map(({ kind, run, assignments }) => ({
      kind,
      recipe: recipeSchema.parse(run.recipe),
      awaitedSites: assignments.length,
      weightsBytes: Number(run.versions[0]?.weightsBytes ?? 0n),
    }));
  }
}
