import { Injectable } from '@nestjs/common';
import type { AssignmentOffer, OpenWork, RunState } from '@tributary/protocol';
import { VersionsService } from '../models/versions.service.js';
import { Clock, after } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import { offerOf } from './offers.js';
import { RecipeAnswerRepository } from './recipe-answer.repository.js';
import { RoundRepository } from './round.repository.js';
import { RunRepository } from './run.repository.js';

const ENDED: RunState[] = ['completed', 'failed', 'cancelled'];
const ENDED_FOR_SECONDS = 7 * 24 * 3600;

/** The durable truth that hints point to: everything that a site may answer now. */
@Injectable()
export class OpenWorkService {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly answers: RecipeAnswerRepository,
    private readonly versions: VersionsService,
    private readonly clock: Clock,
  ) {}

  async of(siteId: string): Promise<OpenWork> {
    const { db } = this.database;
    const since = after(this.clock.now(), -ENDED_FOR_SECONDS);
    const runs = await this.runs.concerning(db, siteId, { states: ['approving', ...ENDED], since });
    const approving = runs.filter(({ state }) => state === 'approving');
    const ended = runs.filter(({ state }) => ENDED.includes(state));
    const answered = await this.answers.answeredBy(
      db,
      siteId,
      approving.map(({ id }) => id),
    );
    const open = await this.assignments.openOf(db, siteId);
    return {
      proposals: approving
        .filter(({ id }) => !answered.has(id))
        .map(({ id, recipeSha256 }) => ({ runId: id, recipeSha256 })),
      assignments: (await Promise.all(open.map((assignment) => this.offer(assignment)))).flat(),
      endedRuns: ended.map(({ id }) => id),
    };
  }

  private async offer(assignment: Assignment): Promise<AssignmentOffer[]> {
    const { runId, roundId, siteId, baseVersion } = assignment;
    const { db } = this.database;
    const run = await this.runs.find(db, runId);
    const round = await this.rounds.find(db, roundId);
    if (run === null || round === null) return [];
    const initial = await this.versions.get(db, runId, 0);
    const latest = await this.versions.get(db, runId, baseVersion);
    const counted = await this.assignments.lastCounted(db, runId, [siteId]);
    const countedRound = counted.get(siteId) ?? 0;
    return [offerOf({ run, round, versions: { initial, latest }, countedRound }, assignment)];
  }
}
