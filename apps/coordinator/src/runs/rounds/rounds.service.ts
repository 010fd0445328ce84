import { Injectable } from '@nestjs/common';
import { toProblem, TributaryError } from '@tributary/protocol';
import { AuditService } from '../../audit/audit.service.js';
import { after } from '../../platform/clock/clock.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { AssignmentRepository, type Assignment } from '../assignments/assignment.repository.js';
import { bufferOf } from './buffer.js';
import { RoundRepository, type Round, type RoundWithAssignments } from './round.repository.js';
import { isCollecting, nextRoundState } from './round.states.js';
import type { RunChange } from '../run-change.js';

const FIRST_RETRY_SECONDS = 1;
const LONGEST_RETRY_SECONDS = 60;

/** Closes and abandons rounds; each inside of the caller's change of the run. */
@Injectable()
export class RoundsService {
  constructor(
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly hints: SiteHints,
    private readonly audit: AuditService,
    private readonly metrics: Metrics,
  ) {}

  /** No more answers count: what is still open has expired. In asynchronous runs it counts in the next round instead. */
  async close(change: RunChange, round: RoundWithAssignments): Promise<void> {
    await this.rounds.save(change.db, round, { state: nextRoundState(round.state, 'close') });
    const { recipe } = change.run;
    if (round.kind === 'train' && bufferOf(recipe) !== null && round.n < recipe.rounds.count) {
      return this.fillNext(change, round);
    }
    await this.endOpen(change, round, 'expired');
  }

  /**
   * Gives a round up. A training round is tried again, later each time; after `maxAttempts` the run pauses with the reason.
   * The buffer of an asynchronous run keeps what has arrived, and is given more time.
   */
  async abandon(change: RunChange, round: RoundWithAssignments, reason: string): Promise<void> {
    const { db, now } = change;
    if (isRefillable(change, round)) await this.prolong(change, round);
    else {
      await this.rounds.save(db, round, { state: nextRoundState(round.state, 'abandon'), closedAt: now, reason });
      await this.endOpen(change, round, 'superseded');
    }
    change.record({ kind: 'round.abandoned', round: round.n, detail: { attempt: round.attempt, reason } });
    const detail = { round: round.n, attempt: round.attempt, reason };
    await this.audit.append(db, { actor: 'coordinator', action: 'round.abandoned', subject: change.run.id, detail });
    change.onCommit(() => this.metrics.roundsEnded.inc({ outcome: 'abandoned' }));
    if (round.kind === 'train' && change.next.state === 'running') this.planRetry(change, round, reason);
  }

  private async prolong({ db, now, run }: RunChange, round: RoundWithAssignments): Promise<void> {
    const deadlineAt = after(now, run.recipe.rounds.deadlineSeconds);
    await this.rounds.save(db, round, { attempt: round.attempt + 1, deadlineAt });
  }

  /** The next buffer of an asynchronous run is there before this one is aggregated, so that no site waits for that. */
  private async fillNext(change: RunChange, { id, n }: Round): Promise<void> {
    const { db, run, now } = change;
    const next = { id: `${run.id}-r${n + 1}-a0`, runId: run.id, n: n + 1, attempt: 0, kind: 'train' as const };
    const deadlineAt = after(now, run.recipe.rounds.deadlineSeconds);
    await this.rounds.create(db, { ...next, openedAt: now, deadlineAt });
    await this.assignments.passOn(db, { from: id, to: next.id });
    change.record({ kind: 'round.opened', round: next.n, detail: { attempt: 0, kind: 'train' } });
  }

  private planRetry(change: RunChange, { n, attempt }: Round, reason: string): void {
    const { maxAttempts } = change.run.recipe.rounds;
    const counted = attempt + 1 - change.run.attemptsForgiven;
    if (counted >= maxAttempts) {
      change.move('pause', { reason, cause: 'attempts' });
      change.set({
        pauseCause: 'attempts',
        problem: toProblem(new TributaryError('ROUND_QUORUM_NOT_MET', { detail: reason })),
      });
      return;
    }
    const waitSeconds = Math.min(FIRST_RETRY_SECONDS * 2 ** (counted - 1), LONGEST_RETRY_SECONDS);
    const nextRoundWaitsFor = `attempt ${counted + 1} of ${maxAttempts} at round ${n}; the last: ${reason}`;
    change.set({ nextRoundAt: after(change.now, waitSeconds), nextRoundWaitsFor });
  }

  private async endOpen(change: RunChange, round: Round, state: 'expired' | 'superseded'): Promise<void> {
    const ended: Assignment[] = await this.assignments.closeOpen(change.db, round.id, { state, at: change.now });
    for (const { id, siteId } of ended) {
      change.record({ kind: 'assignment.state', round: round.n, siteId, detail: { state } });
      change.onCommit(() => this.hints.tell(siteId, { event: 'assignment:withdrawn', body: { assignmentId: id } }));
    }
  }
}

/** The buffer of an asynchronous run is not emptied because it takes long to fill. */
function isRefillable({ next: run }: RunChange, { kind, state }: Round): boolean {
  return kind === 'train' && bufferOf(run.recipe) !== null && isCollecting(state) && run.state === 'running';
}
