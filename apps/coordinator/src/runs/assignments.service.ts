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
import { AssignmentRepository, type Assignment, type AssignmentPatch } from './assignment.repository.js';
import { isOpen, nextAssignmentState, type AssignmentEventName } from './assignment.states.js';
import { RoundRepository, type RoundWithAssignments } from './round.repository.js';
import { isCollecting, nextRoundState } from './round.states.js';
import { RunChanges, type RunChange } from './run-change.js';
import { RunRepository, type Run } from './run.repository.js';

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
  readonly round: RoundWithAssignments;
  readonly run: Run;
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
    private readonly changes: RunChanges,
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
    const round = await this.rounds.find(db, assignment.roundId);
    const run = await this.runs.find(db, assignment.runId);
    if (round === null || run === null) throw notFound(id);
    return { assignment, round, run, isOpen: isOpen(assignment.state) };
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
      if (decision === 'accept') await step.acceptRound();
    });
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
  async fail(siteId: string, { assignmentId, problem }: AssignmentFailure): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      if (!isOpen(step.assignment.state)) return;
      await step.move('fail', { problem }, { code: problem.code, reason: problem.message });
    });
  }

  /**
   * Counts an upload, once.
   *
   * @throws TributaryError UPDATE_CONFLICT for other bytes than were received before, ASSIGNMENT_CLOSED.
   */
  async receive({ assignmentId, siteId, sha256, sizeBytes, report }: CheckedUpload): Promise<void> {
    await this.change(siteId, assignmentId, async (step) => {
      if (step.assignment.state === 'received') {
        if (step.assignment.updateSha256 !== sha256) throw new TributaryError('UPDATE_CONFLICT', { assignmentId });
        return;
      }
      step.assertOpen();
      const facts = report.kind === 'train' ? { images: report.images, loss: report.loss } : {};
      await step.move(
        'receive',
        { ...facts, updateSha256: sha256, bytes: sizeBytes, report },
        { ...facts, bytes: sizeBytes },
      );
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
      }
    });
  }

  private change(siteId: string, id: string, work: (step: AssignmentChange) => Promise<void>): Promise<void> {
    return this.changes.change(runIdOfAssignment(id), async (change) => {
      const assignment = ownedBy(siteId, await this.assignments.find(change.db, id), id);
      await work(new AssignmentChange(change, assignment, { assignments: this.assignments, rounds: this.rounds }));
    });
  }
}

/** One change of an assignment, inside of its run's change. */
class AssignmentChange {
  constructor(
    readonly change: RunChange,
    readonly assignment: Assignment,
    private readonly rows: { readonly assignments: AssignmentRepository; readonly rounds: RoundRepository },
  ) {}

  get roundNumber(): number {
    const { id, runId } = this.assignment;
    return Number.parseInt(id.slice(`${runId}-r`.length), 10);
  }

  assertOpen(): void {
    const { id, state } = this.assignment;
    if (!isOpen(state)) throw new TributaryError('ASSIGNMENT_CLOSED', { assignmentId: id, state });
  }

  async move(event: AssignmentEventName, patch: AssignmentPatch, detail: Record<string, unknown>): Promise<void> {
    const { db, now } = this.change;
    const state = nextAssignmentState(this.assignment.state, event);
    await this.rows.assignments.save(db, this.assignment, { ...patch, state }, now);
    const { siteId } = this.assignment;
    this.change.record({ kind: 'assignment.state', round: this.roundNumber, siteId, detail: { state, ...detail } });
  }

  /** The first site to accept makes the round collect. */
  async acceptRound(): Promise<void> {
    const round = await this.rows.rounds.find(this.change.db, this.assignment.roundId);
    if (round?.state !== 'offered' || !isCollecting(round.state)) return;
    await this.rows.rounds.save(this.change.db, round, { state: nextRoundState(round.state, 'accept') });
  }
}

function ownedBy(siteId: string, assignment: Assignment | null, id: string): Assignment {
  if (assignment === null) throw notFound(id);
  if (assignment.siteId !== siteId) throw new TributaryError('ASSIGNMENT_NOT_YOURS');
  return assignment;
}

function notFound(id: string): TributaryError {
  return new TributaryError('NOT_FOUND', { detail: `assignment ${id}` });
}
