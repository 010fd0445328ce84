import { Inject, Injectable } from '@nestjs/common';
import { TributaryError, toProblem } from '@tributary/protocol';
import type { Version } from '../models/versions.service.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { FreeSpaceService } from '../storage/free-space.service.js';
import { RetentionService } from '../storage/retention.service.js';
import { ApprovalsService } from './proposal/approvals.service.js';
import type { Assignment } from './assignments/assignment.repository.js';
import { AsynchronousRoundsService } from './rounds/asynchronous-rounds.service.js';
import { bufferOf } from './rounds/buffer.js';
import { ConclusionService } from './rounds/conclusion.service.js';
import type { RunSnapshot, Step } from './next-step.js';
import { PublicationService } from './rounds/publication.service.js';
import { RoundLeases } from './rounds/round-leases.js';
import { RoundOpeningService, type RoundPart } from './rounds/round-opening.service.js';
import { RoundRepository, type RoundWithAssignments } from './rounds/round.repository.js';
import { isCollecting } from './rounds/round.states.js';
import { RoundsService } from './rounds/rounds.service.js';
import { RunChanges, type RunChange } from './run-change.js';
import type { Run } from './run.repository.js';

/** Takes the step that `nextStep` has decided. */
@Injectable()
export class RunStepsService {
  constructor(
    private readonly approvals: ApprovalsService,
    private readonly rounds: RoundsService,
    private readonly roundRows: RoundRepository,
    private readonly openings: RoundOpeningService,
    private readonly asynchronous: AsynchronousRoundsService,
    private readonly leases: RoundLeases,
    private readonly freeSpace: FreeSpaceService,
    private readonly retention: RetentionService,
    private readonly publication: PublicationService,
    private readonly conclusion: ConclusionService,
    private readonly changes: RunChanges,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @returns True when the run moved; false when there is nothing to do but wait. */
  async take(step: Step, snapshot: RunSnapshot): Promise<boolean> {
    const { run, now } = snapshot;
    switch (step.kind) {
      case 'wait':
      case 'nothing':
        return false;
      case 'seek-approval':
        return this.approvals.seek(run, now);
      case 'open-round':
        return this.openRound(run, { n: step.n, attempt: step.attempt, kind: 'train' });
      case 'offer':
        return this.offer(run, roundOf(snapshot));
      case 'expire':
        return this.expire(run, roundOf(snapshot), step.late);
      case 'check-space':
        return this.goOnWithSpace(snapshot);
      case 'begin-evaluation':
        return this.beginEvaluation(snapshot);
      case 'close-round':
        return this.closeRound(run, roundOf(snapshot));
      case 'abandon-round':
        return this.abandonRound(run, roundOf(snapshot), step.reason);
      case 'aggregate':
        return this.aggregate(run, roundOf(snapshot));
      case 'conclude':
        await this.conclusion.releaseUnscored(run);
        return true;
    }
  }

  private async openRound(run: Run, part: RoundPart): Promise<boolean> {
    await this.retention.prune(run);
    await this.changes.change(run.id, async (change) => {
      assertState(change, ['running']);
      const opening = await this.openings.open(change, part);
      if (opening.kind === 'no-space') this.openings.pauseForSpace(change, opening.shortage);
    });
    return false;
  }

  /** The run is paused because the disk was short of room; nothing happens while it still is. */
  private async goOnWithSpace({ run, round, roundsDone }: RunSnapshot): Promise<boolean> {
    await this.retention.prune(run);
    const n = roundsDone + 1;
    const attempt = round?.n === n ? round.attempt + 1 : 0;
    await this.changes.change(run.id, async (change) => {
      assertState(change, ['paused']);
      await this.openings.resumeWithSpace(change, { n, attempt, kind: 'train' });
    });
    return false;
  }

  private async offer(run: Run, { id }: RoundWithAssignments): Promise<boolean> {
    await this.changes.change(run.id, async (change) => {
      assertState(change, ['running']);
      const round = await this.roundRows.find(change.db, id);
      if (round !== null && isCollecting(round.state)) await this.asynchronous.offer(change, round);
      change.wakesDriver = false;
    });
    return false;
  }

  private async expire(run: Run, round: RoundWithAssignments, late: readonly Assignment[]): Promise<boolean> {
    await this.changes.change(run.id, (change) => this.asynchronous.expire(change, round, late));
    return true;
  }

  /** @throws TributaryError DISK_FULL: the run shows it, and the next sweep looks again. */
  private async beginEvaluation({ run, roundsDone }: RunSnapshot): Promise<boolean> {
    await this.retention.prune(run);
    await this.changes.change(run.id, async (change) => {
      if (change.run.state === 'running') change.move('evaluate');
      assertState(change, ['evaluating']);
      const opening = await this.openings.open(change, { n: roundsDone + 1, attempt: 0, kind: 'evaluate' });
      if (opening.kind === 'no-space') throw opening.shortage;
    });
    return false;
  }

  private async closeRound(run: Run, round: RoundWithAssignments): Promise<boolean> {
    await this.changes.change(run.id, (change) => this.rounds.close(change, round));
    return true;
  }

  private async abandonRound(run: Run, round: RoundWithAssignments, reason: string): Promise<boolean> {
    this.logger.warn({ runId: run.id, round: round.n, attempt: round.attempt, reason }, 'round abandoned');
    await this.changes.change(run.id, (change) => this.rounds.abandon(change, round, reason));
    return true;
  }

  /** Under a lease: one replica at a time. A round whose updates cannot be aggregated is abandoned, not tried for ever. */
  private async aggregate(run: Run, round: RoundWithAssignments): Promise<boolean> {
    try {
      const done = await this.leases.hold(round.id, (signal) => this.publish(run, round, signal));
      if (!done) return false;
    } catch (error) {
      if (!(error instanceof TributaryError) || error.spec.retryable || error.code.endsWith('_STALE_TRANSITION'))
        throw error;
      if (bufferOf(run.recipe) !== null && round.kind === 'train') return this.failRun(run, error);
      return this.abandonRound(run, round, error.message);
    }
    this.logger.info({ runId: run.id, round: round.n, kind: round.kind }, 'round published');
    this.retention.pruneSoon(run);
    return false;
  }

  /** Updates that cannot be combined: an asynchronous run would only combine them again. */
  private async failRun(run: Run, error: TributaryError): Promise<boolean> {
    await this.changes.change(run.id, async (change) => {
      change.move('fail', { reason: error.message });
      change.set({ problem: toProblem(error), endedAt: change.now, pauseCause: null });
      for (const live of await this.roundRows.live(change.db, run.id)) {
        await this.rounds.abandon(change, live, error.message);
      }
    });
    return true;
  }

  private async publish(run: Run, round: RoundWithAssignments, signal: AbortSignal): Promise<void> {
    if (round.kind === 'evaluate') return this.conclusion.scoreAndRelease(run, round);
    const andThen = (change: RunChange, version: Version): Promise<void> => this.openNext(change, version);
    await this.publication.publish(run, round, { signal, andThen });
  }

  /** What follows a published round, in the transaction that published it. */
  private async openNext(change: RunChange, version: Version): Promise<void> {
    if (change.next.state !== 'running') return;
    const isLast = version.round >= change.run.recipe.rounds.count;
    if (isLast) change.move('evaluate');
    // The next buffer of an asynchronous run is filling already.
    if (!isLast && bufferOf(change.run.recipe) !== null) return;
    const kind = isLast ? 'evaluate' : 'train';
    // When there is no room, the next look at the run finds that: by then this round's updates are gone.
    await this.openings.open(change, { n: version.round + 1, attempt: 0, kind }, version);
  }
}

function roundOf({ round, run }: RunSnapshot): RoundWithAssignments {
  if (round === null) throw new Error(`run ${run.id} has no round`);
  return round;
}

/** The run may have been paused or cancelled since the step was decided. */
function assertState(change: RunChange, states: readonly Run['state'][]): void {
  if (!states.includes(change.next.state)) throw new TributaryError('RUN_STALE_TRANSITION', { runId: change.run.id });
}
