import { Injectable } from '@nestjs/common';
import type { RoundView, RunEvent, RunView, runEventsResponseSchema } from '@tributary/protocol';
import type { z } from 'zod';
import { ReleaseService } from '../models/release.service.js';
import { VersionsService } from '../models/versions.service.js';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { ApprovalsService } from './proposal/approvals.service.js';
import { approvalText, nextStep, ownWorkText, waitingText } from './next-step.js';
import { RoundRepository, type RoundWithAssignments } from './rounds/round.repository.js';
import { RunEventRepository } from './run-event.repository.js';
import { RunNotices } from './run-notices.js';
import { roundView, runView } from './run-view.js';
import { isEnded } from './run.states.js';
import type { Run } from './run.repository.js';
import { RunsService } from './runs.service.js';

/** A change in another replica is not noticed here: a long poll looks again this often. */
const LOOK_AGAIN_MS = 1000;

/** What is running, answered at once from the rows. */
@Injectable()
export class RunViewsService {
  constructor(
    private readonly database: Database,
    private readonly runs: RunsService,
    private readonly rounds: RoundRepository,
    private readonly runEvents: RunEventRepository,
    private readonly approvals: ApprovalsService,
    private readonly versions: VersionsService,
    private readonly releases: ReleaseService,
    private readonly notices: RunNotices,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<RunView[]> {
    const views: RunView[] = [];
    for (const run of await this.runs.list()) views.push(await this.view(run));
    return views;
  }

  async show(id: string): Promise<RunView> {
    return this.view(await this.runs.get(id));
  }

  async roundsOf(id: string): Promise<RoundView[]> {
    const run = await this.runs.get(id);
    return (await this.rounds.list(this.database.db, run.id)).map((round) => roundView(run, round));
  }

  /** Events behind `after`; when there are none and the run goes on, waits for one until `waitSeconds` are over. */
  async events(
    id: string,
    { after, waitSeconds, signal }: { after: number; waitSeconds: number; signal: AbortSignal },
  ): Promise<z.infer<typeof runEventsResponseSchema>> {
    const until = this.clock.now().getTime() + waitSeconds * 1000;
    for (;;) {
      const { state } = await this.runs.get(id);
      const events: RunEvent[] = await this.runEvents.list(this.database.db, id, after);
      const leftMs = until - this.clock.now().getTime();
      if (events.length > 0 || isEnded(state) || leftMs <= 0 || signal.aborted) return { state, events };
      await this.notices.nextChange(id, Math.min(leftMs, LOOK_AGAIN_MS), signal);
    }
  }

  private async view(run: Run): Promise<RunView> {
    const { db } = this.database;
    const round = await this.rounds.current(db, run.id);
    const roundsDone = (await this.versions.latest(db, run.id))?.round ?? 0;
    const [release] = await this.releases.released([run.id]);
    const released = release === undefined ? null : await this.versions.get(db, run.id, release.round);
    return runView({ run, round, roundsDone, released, waiting: await this.waiting(run, round, roundsDone) });
  }

  private async waiting(run: Run, round: RoundWithAssignments | null, roundsDone: number) {
    if (run.state === 'approving') {
      const approvals = await this.approvals.count(this.database.db, run);
      return { for: approvalText(approvals), until: run.approvalDeadlineAt };
    }
    const step = nextStep({ run, round, roundsDone, now: this.clock.now() });
    if (step.kind === 'wait') return step;
    if (step.kind === 'offer' && round !== null)
      return { for: waitingText(round.assignments), until: round.deadlineAt };
    return step.kind === 'nothing' ? null : { for: ownWorkText(step, round), until: null };
  }
}
