import { Injectable } from '@nestjs/common';
import { TributaryError, toProblem } from '@tributary/protocol';
import { InitialModelService } from '../../aggregation/initial-model.service.js';
import { AuditService } from '../../audit/audit.service.js';
import { SitesService } from '../../identity/sites.service.js';
import { VersionsService } from '../../models/versions.service.js';
import { Database, type Db } from '../../platform/database/database.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { RecipeAnswerRepository } from './recipe-answer.repository.js';
import { RoundOpeningService } from '../rounds/round-opening.service.js';
import { RunChanges, type RunChange } from '../run-change.js';
import type { Run } from '../run.repository.js';

/** Where the approval of a recipe stands. */
export interface ApprovalCount {
  /** Sites that approved, ascending: those of the run, once it starts. */
  readonly approved: readonly string[];
  /** Approved sites of the study that have not answered. */
  readonly silent: readonly string[];
  readonly declined: readonly string[];
}

@Injectable()
export class ApprovalsService {
  constructor(
    private readonly database: Database,
    private readonly answers: RecipeAnswerRepository,
    private readonly sites: SitesService,
    private readonly models: InitialModelService,
    private readonly versions: VersionsService,
    private readonly rounds: RoundOpeningService,
    private readonly changes: RunChanges,
    private readonly hints: SiteHints,
    private readonly audit: AuditService,
  ) {}

  async count(db: Db, run: Run): Promise<ApprovalCount> {
    const members = await this.sites.approvedIn(db, run.studyId);
    const answers = await this.answers.list(db, run.id);
    const answered = new Set(answers.map(({ siteId }) => siteId));
    const approving = new Set(answers.filter(({ approved }) => approved).map(({ siteId }) => siteId));
    return {
      approved: members.filter((siteId) => approving.has(siteId)),
      silent: members.filter((siteId) => !answered.has(siteId)),
      declined: members.filter((siteId) => answered.has(siteId) && !approving.has(siteId)),
    };
  }

  /**
   * Starts the run when every site has answered, or the time is up, and a quorum approves; fails it when the time is up
   * without one.
   *
   * @returns False when there is nothing to do but wait.
   */
  async seek(run: Run, now: Date): Promise<boolean> {
    const isTimeUp = run.approvalDeadlineAt <= now;
    if (!isTimeUp && (await this.isPlainlyAwaited(run))) return false;
    const { approved, silent } = await this.count(this.database.db, run);
    const hasQuorum = approved.length >= run.recipe.rounds.quorum;
    if (hasQuorum && (silent.length === 0 || isTimeUp)) {
      await this.start(run, approved);
      return true;
    }
    if (!isTimeUp) return false;
    const detail = `approvals of the recipe in time: ${approved.length}, quorum ${run.recipe.rounds.quorum}`;
    await this.fail(run, new TributaryError('ROUND_QUORUM_NOT_MET', { detail }));
    return true;
  }

  /** Told by counting: a study may have a thousand sites, and each answer asks. */
  private async isPlainlyAwaited(run: Run): Promise<boolean> {
    const { db } = this.database;
    return (await this.answers.count(db, run.id)) < (await this.sites.countApprovedIn(db, run.studyId));
  }

  private async start(run: Run, sites: readonly string[]): Promise<void> {
    const model = await this.models.make(run.id, run.recipe, sites.length).catch((error: unknown) => {
      // What cannot be started from will not become better by trying again.
      if (error instanceof TributaryError && !error.spec.retryable) return error;
      throw error;
    });
    if (model instanceof TributaryError) return this.fail(run, model);
    const { manifest, weights } = model;
    await this.changes.change(run.id, async (change) => {
      const { db, now } = change;
      assertStillApproving(change);
      change.move('start', { sites });
      change.set({ sites, manifest, startedAt: now, nextRoundAt: now, problem: null });
      await this.versions.add(db, { runId: run.id, round: 0, weights, ema: weights, state: {}, createdAt: now });
      const detail = { sites, recipeSha256: run.recipeSha256, initialWeightsSha256: weights.sha256 };
      await this.audit.append(db, { actor: 'coordinator', action: 'run.started', subject: run.id, detail });
      if (run.recipe.rounds.count > 0) await this.rounds.open(change, { n: 1, attempt: 0, kind: 'train' });
    });
  }

  private async fail(run: Run, error: TributaryError): Promise<void> {
    const reason = error.context.detail ?? error.message;
    await this.changes.change(run.id, async (change: RunChange) => {
      assertStillApproving(change);
      change.move('fail', { reason });
      change.set({ problem: toProblem(error), endedAt: change.now });
      await this.audit.append(change.db, {
        actor: 'coordinator',
        action: 'run.failed',
        subject: run.id,
        detail: { reason },
      });
      const members = await this.sites.approvedIn(change.db, run.studyId);
      change.onCommit(() => {
        for (const siteId of members) this.hints.tell(siteId, { event: 'run:ended', body: { runId: run.id } });
      });
    });
  }
}

/** Another replica may have been quicker. */
function assertStillApproving({ run }: RunChange): void {
  if (run.state !== 'approving') throw new TributaryError('RUN_STALE_TRANSITION', { runId: run.id });
}
