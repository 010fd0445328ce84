import { Injectable } from '@nestjs/common';
import { assignmentId, toProblem, TributaryError } from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import { SitesService } from '../identity/sites.service.js';
import { VersionsService, type Version } from '../models/versions.service.js';
import { after } from '../platform/clock/clock.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { SiteHints } from '../platform/hints/site-hints.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import { offerOf } from './offers.js';
import { RoundRepository, type Round, type RoundWithAssignments } from './round.repository.js';
import { nextRoundState } from './round.states.js';
import type { RunChange } from './run-change.js';

const FIRST_RETRY_SECONDS = 1;
const LONGEST_RETRY_SECONDS = 60;

/** Opens, closes and abandons rounds; each inside of the caller's change of the run. */
@Injectable()
export class RoundsService {
  constructor(
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly versions: VersionsService,
    private readonly sites: SitesService,
    private readonly hints: SiteHints,
    private readonly audit: AuditService,
    private readonly metrics: Metrics,
  ) {}

  /**
   * A round with an offer to each site of the run that is not revoked; they are told when it is committed.
   *
   * @param known The version that it starts from, when the caller has it.
   */
  async open(change: RunChange, part: Pick<Round, 'n' | 'attempt' | 'kind'>, known?: Version): Promise<void> {
    const { db, now } = change;
    const run = change.next;
    const round = {
      ...part,
      id: `${run.id}-r${part.n}-a${part.attempt}`,
      runId: run.id,
      openedAt: now,
      deadlineAt: after(now, run.recipe.rounds.deadlineSeconds),
    };
    const approved = new Set(await this.sites.approvedIn(db, run.studyId));
    const asked = run.sites.filter((siteId) => approved.has(siteId));
    const assignments = asked.map((siteId) => ({
      id: assignmentId({ runId: run.id, round: part.n, attempt: part.attempt, siteId }),
      runId: run.id,
      roundId: round.id,
      siteId,
    }));
    const latest = known ?? (await this.versions.get(db, run.id, part.n - 1));
    const initial = part.kind === 'evaluate' ? await this.versions.get(db, run.id, 0) : latest;
    const versions = { initial, latest };
    await this.rounds.create(db, round);
    await this.assignments.create(db, assignments);
    change.record({
      kind: 'round.opened',
      round: part.n,
      detail: { attempt: part.attempt, kind: part.kind, sites: asked.length },
    });
    const open: Round = {
      ...round,
      state: 'offered',
      closedAt: null,
      reason: null,
      loss: null,
      bytesUp: 0,
      timings: null,
    };
    change.onCommit(() => {
      for (const { id, siteId } of assignments) {
        this.hints.tell(siteId, { event: 'assignment:offered', body: offerOf({ run, round: open, versions }, id) });
      }
    });
  }

  /** No more answers count: what is still open has expired. */
  async close(change: RunChange, round: RoundWithAssignments): Promise<void> {
    await this.rounds.save(change.db, round, { state: nextRoundState(round.state, 'close') });
    await this.endOpen(change, round, 'expired');
  }

  /**
   * Gives a round up. A training round is tried again, later each time; after `maxAttempts` the run pauses with the reason.
   */
  async abandon(change: RunChange, round: RoundWithAssignments, reason: string): Promise<void> {
    const { db, now } = change;
    await this.rounds.save(db, round, { state: nextRoundState(round.state, 'abandon'), closedAt: now, reason });
    await this.endOpen(change, round, 'superseded');
    change.record({ kind: 'round.abandoned', round: round.n, detail: { attempt: round.attempt, reason } });
    const detail = { round: round.n, attempt: round.attempt, reason };
    await this.audit.append(db, { actor: 'coordinator', action: 'round.abandoned', subject: change.run.id, detail });
    change.onCommit(() => this.metrics.roundsEnded.inc({ outcome: 'abandoned' }));
    if (round.kind === 'train' && change.next.state === 'running') this.planRetry(change, round, reason);
  }

  private planRetry(change: RunChange, { attempt }: Round, reason: string): void {
    const { maxAttempts } = change.run.recipe.rounds;
    const counted = attempt + 1 - change.run.attemptsForgiven;
    if (counted >= maxAttempts) {
      change.move('pause', { reason });
      change.set({ problem: toProblem(new TributaryError('ROUND_QUORUM_NOT_MET', { detail: reason })) });
      return;
    }
    const waitSeconds = Math.min(FIRST_RETRY_SECONDS * 2 ** (counted - 1), LONGEST_RETRY_SECONDS);
    change.set({ nextRoundAt: after(change.now, waitSeconds) });
  }

  private async endOpen(change: RunChange, round: Round, state: 'expired' | 'superseded'): Promise<void> {
    const ended: Assignment[] = await this.assignments.closeOpen(change.db, round.id, { state, at: change.now });
    for (const { id, siteId } of ended) {
      change.record({ kind: 'assignment.state', round: round.n, siteId, detail: { state } });
      change.onCommit(() => this.hints.tell(siteId, { event: 'assignment:withdrawn', body: { assignmentId: id } }));
    }
  }
}
