import { Injectable } from '@nestjs/common';
import {
  TributaryError,
  runIdOfAssignment,
  toProblem,
  type AssignmentAnswer,
  type AssignmentFailure,
  type AssignmentReport,
} from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import { Database } from '../platform/database/database.js';
import { BlobReferences } from '../storage/blob-references.service.js';
import { AssignmentChange } from './assignment-change.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import { isOpen } from './assignment.states.js';
import { bufferOf, stalenessOf } from './buffer.js';
import { stepOfCollecting } from './next-step.js';
import { RoundRepository, type Round } from './round.repository.js';
import { isCollecting } from './round.states.js';
import { RoundsService } from './rounds.service.js';
import { RunChanges, type RunChange } from './run-change.js';
import { RunRepository, type RunContract } from './run.repository.js';

/** An upload that passed every check; its bytes are a blob already. */
export interface CheckedUpload {
  readonly assignmentId: string;
  readonly siteId: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly report: AssignmentReport;
}

/** An assignment and what it belongs to. */
export interface AssignmentContext {
  readonly assignment: Assignment;
  readonly kind: Round['kind'];
  /** Number of the round that it was offered in. */
  readonly round: number;
  readonly run: RunContract;
  /** False when an answer comes too late. */
  readonly isOpen: boolean;
}

/** What sites say about their parts in rounds. Each message may come twice; the second changes nothing. */
@Injectable()
export class AssignmentsService {
  constructor(
    private readonly database: Database,
    private readonly assignments: AssignmentRepository,
    private readonly rounds: RoundRepository,
    private readonly runs: RunRepository,
    private readonly roundChanges: RoundsService,
    private readonly changes: RunChanges,
    private readonly references: BlobReferences,
    private readonly audit: AuditService,
  ) {}

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
  async contextFor(siteId: string, id: string): Promise<AssignmentContext> {
    const context = await this.context(id);
    ownedBy(siteId, context.assignment, id);
    return context;
  }

  /** @throws TributaryError NOT_FOUND. */
  async context(id: string): Promise<AssignmentContext> {
    const { db } = this.database;
    const assignment = await this.assignments.find(db, id);
    if (assignment === null) throw notFound(id);
    const round = await this.rounds.placeOf(db, assignment.roundId);
    const run = await this.runs.contract(db, assignment.runId);
    if (round === null || run === null) throw notFound(id);
    return { assignment, kind: round.kind, round: assignment.baseVersion + 1, run, isOpen: isOpen(assignment.state) };
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED. */
  async answer(siteId: string, { assignmentId, decision, code }: AssignmentAnswer): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      if (decision === 'accept' && step.assignment.state !== 'offered') return;
      if (decision === 'decline' && step.assignment.state === 'declined') return;
      step.assertOpen();
      const problem =
        decision === 'accept' ? undefined : toProblem(new TributaryError('POLICY_DECLINED', { detail: code }));
      await step.move(decision, { problem }, code === undefined ? {} : { code });
      if (decision === 'accept') this.noteAccepted(step);
      else this.settle(step);
    });
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
  async fail(siteId: string, { assignmentId, problem }: AssignmentFailure): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      if (!isOpen(step.assignment.state)) return;
      await step.move('fail', { problem }, { code: problem.code, reason: problem.message });
      this.settle(step);
    });
  }

  /**
   * Counts an upload, once.
   *
   * @throws TributaryError UPDATE_CONFLICT for other bytes than were received before, ASSIGNMENT_CLOSED, UPDATE_TOO_STALE,
   *         ROUND_STALE_TRANSITION.
   */
  async receive({ assignmentId, siteId, sha256, sizeBytes, report }: CheckedUpload): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      if (step.assignment.state === 'received') {
        if (step.assignment.updateSha256 !== sha256) throw new TributaryError('UPDATE_CONFLICT', { assignmentId });
        return;
      }
      step.assertOpen();
      await this.assertFresh(step);
      await this.references.hold(step.change.db, [sha256]);
      const facts = report.kind === 'train' ? { images: report.images, loss: report.loss } : {};
      await step.move(
        'receive',
        { ...facts, updateSha256: sha256, bytes: sizeBytes, report },
        { ...facts, bytes: sizeBytes },
      );
      this.settle(step);
    });
  }

  /** Notes a refused upload; one that can never become right ends the assignment, so that its round need not wait. */
  async refuse(siteId: string, assignmentId: string, error: TributaryError): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      const { change } = step;
      const detail = { code: error.code, reason: error.message };
      change.record({ kind: 'update.refused', round: step.roundNumber, siteId, detail });
      await this.audit.append(change.db, { actor: siteId, action: 'update.refused', subject: assignmentId, detail });
      if (!error.spec.retryable && isOpen(step.assignment.state)) {
        await step.move('fail', { problem: toProblem(error) }, detail);
        this.settle(step);
      }
    });
  }

  private async assertFresh({ change, assignment }: AssignmentChange): Promise<void> {
    const buffer = bufferOf(change.run.recipe);
    if (buffer === null) return;
    const { maxStaleness = Infinity } = buffer;
    const round = await this.rounds.placeOf(change.db, assignment.roundId);
    const staleness = round === null ? 0 : stalenessOf(round, assignment);
    if (staleness <= maxStaleness) return;
    throw new TributaryError('UPDATE_TOO_STALE', { detail: `${staleness} versions`, assignmentId: assignment.id });
  }

  /** Before anything that closes the round: it collects from its first accepting site on. */
  private noteAccepted({ change, assignment: { roundId } }: AssignmentChange): void {
    change.onEnd(`accept ${roundId}`, async (last) => {
      last.wakesDriver = false;
      await this.rounds.accept(last.db, roundId);
    });
  }

  /** A site has answered: the last to do so closes the round in the same transaction. */
  private settle({ change, assignment: { roundId } }: AssignmentChange): void {
    change.wakesDriver = false;
    change.onEnd(`settle ${roundId}`, async (last) => {
      last.wakesDriver = false;
      if (await this.isAwaited(last, roundId)) return;
      const round = await this.rounds.find(last.db, roundId);
      if (round === null || !isCollecting(round.state)) return;
      const next = stepOfCollecting(round, last.next, last.now);
      if (next.kind === 'close-round') await this.roundChanges.close(last, round);
      last.wakesDriver = next.kind !== 'wait';
    });
  }

  /** Whether a round plainly waits for more answers: told by counting, because a round may have a thousand assignments. */
  private async isAwaited({ db, run }: RunChange, roundId: string): Promise<boolean> {
    if (bufferOf(run.recipe) !== null) return false;
    const { received, open } = await this.assignments.countAnswers(db, roundId);
    return open > 0 && received + open >= run.recipe.rounds.quorum;
  }

  private change(siteId: string, id: string, work: (step: AssignmentChange) => Promise<void>): Promise<void> {
    return this.changes.change(runIdOfAssignment(id), async (change) => {
      change.wakesDriver = false;
      const assignment = ownedBy(siteId, await this.assignments.find(change.db, id), id);
      await work(new AssignmentChange(change, assignment, this.assignments));
    });
  }
}

function ownedBy(siteId: string, assignment: Assignment | null, id: string): Assignment {
  if (assignment === null) throw notFound(id);
  if (assignment.siteId !== siteId) throw new TributaryError('ASSIGNMENT_NOT_YOURS', { assignmentId: id });
  return assignment;
}

function notFound(id: string): TributaryError {
  return new TributaryError('NOT_FOUND', { detail: `assignment ${id}`, assignmentId: id });
}
