import { Injectable } from '@nestjs/common';
import {
  TributaryError,
  toProblem,
  type AssignmentAnswer,
  type AssignmentFailure,
  type AssignmentReport,
} from '@tributary/protocol';
import { Database } from '../../platform/database/database.js';
import { Together } from '../../platform/together/together.js';
import { AssignmentAnswersService, ownedBy } from './assignment-answers.service.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import type { AssignmentStep } from './assignment-step.js';
import { isOpen } from './assignment.states.js';
import { bufferOf, stalenessOf } from '../rounds/buffer.js';
import { RoundRepository, type Round } from '../rounds/round.repository.js';
import { RunRepository, type RunContract } from '../run.repository.js';

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
  private readonly finding: Together<string, Assignment | null>;

  constructor(
    private readonly database: Database,
    private readonly assignments: AssignmentRepository,
    private readonly rounds: RoundRepository,
    private readonly runs: RunRepository,
    private readonly answers: AssignmentAnswersService,
  ) {
    this.finding = new Together(async (ids) => {
      const found = await this.assignments.findAll(this.database.db, ids);
      return ids.map((id) => found.get(id) ?? null);
    });
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
  async contextFor(siteId: string, id: string): Promise<AssignmentContext> {
    const context = await this.context(id);
    ownedBy(siteId, context.assignment, id);
    return context;
  }

  /** @throws TributaryError NOT_FOUND. */
  async context(id: string): Promise<AssignmentContext> {
    const { db } = this.database;
    const assignment = await this.finding.ask(id);
    if (assignment === null) throw notFound(id);
    const round = await this.rounds.placeOf(db, assignment.roundId);
    const run = await this.runs.contract(db, assignment.runId);
    if (round === null || run === null) throw notFound(id);
    return { assignment, kind: round.kind, round: assignment.baseVersion + 1, run, isOpen: isOpen(assignment.state) };
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS, ASSIGNMENT_CLOSED. */
  answer(siteId: string, { assignmentId, decision, code }: AssignmentAnswer): Promise<void> {
    const decide = (step: AssignmentStep): void => {
      if (decision === 'accept' && step.assignment.state !== 'offered') return;
      if (decision === 'decline' && step.assignment.state === 'declined') return;
      step.assertOpen();
      const declined = { problem: toProblem(new TributaryError('POLICY_DECLINED', { detail: code })) };
      step.move(decision, decision === 'accept' ? {} : declined, code === undefined ? {} : { code });
      if (decision === 'accept') step.accepts = true;
      else step.settles = true;
    };
    return this.answers.settle({ siteId, assignmentId, decide });
  }

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
  fail(siteId: string, { assignmentId, problem }: AssignmentFailure): Promise<void> {
    const decide = (step: AssignmentStep): void => {
      if (!isOpen(step.assignment.state)) return;
      step.move('fail', { problem }, { code: problem.code, reason: problem.message });
      step.settles = true;
    };
    return this.answers.settle({ siteId, assignmentId, decide });
  }

  /**
   * Counts an upload, once.
   *
   * @throws TributaryError UPDATE_CONFLICT for other bytes than were received before, ASSIGNMENT_CLOSED, UPDATE_TOO_STALE,
   *         ROUND_STALE_TRANSITION when its file was removed meanwhile.
   */
  receive({ assignmentId, siteId, sha256, sizeBytes, report }: CheckedUpload): Promise<void> {
    const decide = (step: AssignmentStep): void => {
      if (step.assignment.state === 'received') {
        if (step.assignment.updateSha256 !== sha256) throw new TributaryError('UPDATE_CONFLICT', { assignmentId });
        return;
      }
      step.assertOpen();
      assertFresh(step);
      if (!step.ground.hasFile) {
        throw new TributaryError('ROUND_STALE_TRANSITION', { detail: 'one of its files was removed' });
      }
      const isTraining = report.kind === 'train';
      const facts = isTraining ? { images: report.images, loss: report.loss } : {};
      const rate = isTraining ? { imagesPerSecond: report.imagesPerSecond } : {};
      const patch = { ...facts, ...rate, updateSha256: sha256, bytes: sizeBytes, report };
      step.move('receive', patch, { ...facts, bytes: sizeBytes });
      step.settles = true;
    };
    return this.answers.settle({ siteId, assignmentId, sha256, decide });
  }

  /** Notes a refused upload; one that can never become right ends the assignment, so that its round need not wait. */
  refuse(siteId: string, assignmentId: string, error: TributaryError): Promise<void> {
    const decide = (step: AssignmentStep): void => {
      const detail = { code: error.code, reason: error.message };
      step.record('update.refused', detail);
      step.facts.push({ actor: siteId, action: 'update.refused', subject: assignmentId, detail });
      if (error.spec.retryable || !isOpen(step.assignment.state)) return;
      step.move('fail', { problem: toProblem(error) }, detail);
      step.settles = true;
    };
    return this.answers.settle({ siteId, assignmentId, decide });
  }
}

/** @throws TributaryError UPDATE_TOO_STALE. */
function assertFresh({ assignment, ground: { run, round } }: AssignmentStep): void {
  const buffer = bufferOf(run.recipe);
  if (buffer === null || round === undefined) return;
  const { maxStaleness = Infinity } = buffer;
  const staleness = stalenessOf(round, assignment);
  if (staleness <= maxStaleness) return;
  throw new TributaryError('UPDATE_TOO_STALE', { detail: `${staleness} versions`, assignmentId: assignment.id });
}

function notFound(id: string): TributaryError {
  return new TributaryError('NOT_FOUND', { detail: `assignment ${id}`, assignmentId: id });
}
