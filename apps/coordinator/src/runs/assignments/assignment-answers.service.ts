import { Injectable } from '@nestjs/common';
import { TributaryError, runIdOfAssignment } from '@tributary/protocol';
import { AuditService } from '../../audit/audit.service.js';
import { TogetherByKey } from '../../platform/together/together.js';
import { BlobReferences } from '../../storage/blob-references.service.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import { AssignmentStep, type StepGround } from './assignment-step.js';
import { bufferOf } from '../rounds/buffer.js';
import { stepOfCollecting } from '../next-step.js';
import { RoundRepository, type RoundPlace } from '../rounds/round.repository.js';
import { isCollecting } from '../rounds/round.states.js';
import { RoundsService } from '../rounds/rounds.service.js';
import { RunChanges, type RunChange } from '../run-change.js';

/** What a site says of one assignment. */
export interface AssignmentRequest {
  readonly siteId: string;
  readonly assignmentId: string;
  /** A file that the assignment's row will name. */
  readonly sha256?: string;
  /** Decides in memory; what it throws refuses this request, and this one only. */
  readonly decide: (step: AssignmentStep) => void;
}

/** What the requests of one list are decided from. */
interface Reading {
  readonly change: RunChange;
  readonly assignments: Map<string, Assignment>;
  readonly places: ReadonlyMap<string, RoundPlace>;
  readonly missingFiles: ReadonlySet<string>;
}

/**
 * Settles what sites say of their assignments. What comes at the same time shares a transaction: read together, decided one
 * after the other in the order of arrival, written together. A round of a thousand sites would else wait for thousands of
 * commits. Each caller gets its own result or refusal, and nothing is acknowledged before its commit.
 */
@Injectable()
export class AssignmentAnswersService {
  private readonly settling = new TogetherByKey((runId, requests: readonly AssignmentRequest[]) =>
    this.settleAll(runId, requests),
  );

  constructor(
    private readonly assignments: AssignmentRepository,
    private readonly rounds: RoundRepository,
    private readonly roundChanges: RoundsService,
    private readonly changes: RunChanges,
    private readonly references: BlobReferences,
    private readonly audit: AuditService,
  ) {}

  /** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS, and what `decide` throws; nothing has changed then. */
  async settle(request: AssignmentRequest): Promise<void> {
    const refusal = await this.settling.ask(runIdOfAssignment(request.assignmentId), request);
    if (refusal !== null) throw refusal;
  }

  private settleAll(
    runId: string,
    requests: readonly AssignmentRequest[],
  ): Promise<readonly (TributaryError | null)[]> {
    return this.changes.change(runId, async (change) => {
      change.wakesDriver = false;
      // The update that fills a buffer closes it: the next one of the list belongs to the next buffer.
      const lists = bufferOf(change.run.recipe) === null ? [requests] : requests.map((request) => [request]);
      const answers: (TributaryError | null)[] = [];
      for (const list of lists) answers.push(...(await this.settleList(change, list)));
      return answers;
    });
  }

  private async settleList(
    change: RunChange,
    requests: readonly AssignmentRequest[],
  ): Promise<(TributaryError | null)[]> {
    const reading = await this.read(change, requests);
    const decided = requests.map((request) => decide(request, reading));
    const steps = decided.filter((each) => each instanceof AssignmentStep);
    await this.write(change, steps, reading.assignments);
    return decided.map((each) => (each instanceof AssignmentStep ? null : each));
  }

  private async read(change: RunChange, requests: readonly AssignmentRequest[]): Promise<Reading> {
    const { db } = change;
    const ids = new Set(requests.map(({ assignmentId }) => assignmentId));
    const assignments = await this.assignments.lockAll(db, [...ids]);
    const places = new Map<string, RoundPlace>();
    for (const roundId of new Set([...assignments.values()].map((assignment) => assignment.roundId))) {
      const place = await this.rounds.placeOf(db, roundId);
      if (place !== null) places.set(roundId, place);
    }
    const files = requests.flatMap(({ sha256 }) => (sha256 === undefined ? [] : [sha256]));
    const missingFiles = files.length === 0 ? new Set<string>() : await this.references.holdExisting(db, files);
    return { change, assignments, places, missingFiles };
  }

  private async write(
    change: RunChange,
    steps: readonly AssignmentStep[],
    assignments: ReadonlyMap<string, Assignment>,
  ): Promise<void> {
    const { db } = change;
    for (const event of steps.flatMap(({ events }) => events)) change.record(event);
    const changed = new Set(steps.flatMap(({ events, assignment }) => (events.length > 0 ? [assignment.id] : [])));
    await this.assignments.saveAll(
      db,
      [...assignments.values()].filter(({ id }) => changed.has(id)),
    );
    await this.audit.appendAll(
      db,
      steps.flatMap(({ facts }) => facts),
    );
    for (const roundId of roundsOf(steps.filter(({ accepts }) => accepts))) await this.rounds.accept(db, roundId);
    for (const roundId of roundsOf(steps.filter(({ settles }) => settles))) await this.closeIfComplete(change, roundId);
  }

  /** The last site to answer closes the round in the same transaction. */
  private async closeIfComplete(change: RunChange, roundId: string): Promise<void> {
    if (await this.isAwaited(change, roundId)) return;
    const round = await this.rounds.find(change.db, roundId);
    if (round === null || !isCollecting(round.state)) return;
    const next = stepOfCollecting(round, change.next, change.now);
    if (next.kind === 'close-round') await this.roundChanges.close(change, round);
    if (next.kind !== 'wait') change.wakesDriver = true;
  }

  /** Whether a round plainly waits for more answers: told by counting, because a round may have a thousand assignments. */
  private async isAwaited({ db, run }: RunChange, roundId: string): Promise<boolean> {
    if (bufferOf(run.recipe) !== null) return false;
    const { received, open } = await this.assignments.countAnswers(db, roundId);
    return open > 0 && received + open >= run.recipe.rounds.quorum;
  }
}

/** What a request makes of its assignment, which the requests after it find; or why it is refused. */
function decide(request: AssignmentRequest, reading: Reading): AssignmentStep | TributaryError {
  const { change, assignments, places, missingFiles } = reading;
  const { siteId, assignmentId, sha256 } = request;
  try {
    const assignment = ownedBy(siteId, assignments.get(assignmentId) ?? null, assignmentId);
    const ground: StepGround = {
      run: change.run,
      now: change.now,
      round: places.get(assignment.roundId),
      hasFile: sha256 === undefined || !missingFiles.has(sha256),
    };
    const step = new AssignmentStep(ground, assignment);
    request.decide(step);
    assignments.set(assignmentId, step.assignment);
    return step;
  } catch (error) {
    if (error instanceof TributaryError) return error;
    throw error;
  }
}

function roundsOf(steps: readonly AssignmentStep[]): Set<string> {
  return new Set(steps.map(({ assignment }) => assignment.roundId));
}

/** @throws TributaryError NOT_FOUND, ASSIGNMENT_NOT_YOURS. */
export function ownedBy(siteId: string, assignment: Assignment | null, id: string): Assignment {
  if (assignment === null) throw new TributaryError('NOT_FOUND', { detail: `assignment ${id}`, assignmentId: id });
  if (assignment.siteId !== siteId) throw new TributaryError('ASSIGNMENT_NOT_YOURS', { assignmentId: id });
  return assignment;
}
