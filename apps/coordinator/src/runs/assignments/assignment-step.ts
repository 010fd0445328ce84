import { TributaryError, type RunEvent } from '@tributary/protocol';
import type { AuditFact } from '../../audit/audit.service.js';
import type { Assignment, AssignmentPatch } from './assignment.repository.js';
import { isOpen, nextAssignmentState, type AssignmentEventName } from './assignment.states.js';
import type { RoundPlace } from '../rounds/round.repository.js';
import type { Run } from '../run.repository.js';

export type StepEvent = Pick<RunEvent, 'kind' | 'round' | 'siteId' | 'detail'>;

/** What a step is decided from, beside its assignment: read before, and the same for all that are decided together. */
export interface StepGround {
  readonly run: Run;
  readonly now: Date;
  readonly round: RoundPlace | undefined;
  /** False when a file that the step is about does not exist any more. */
  readonly hasFile: boolean;
}

/** One change of an assignment as far as it is thought out: nothing of it is so until it is written. */
export class AssignmentStep {
  readonly events: StepEvent[] = [];
  readonly facts: AuditFact[] = [];
  /** The site has accepted: the round collects. */
  accepts = false;
  /** The site has answered for good: the round may be complete. */
  settles = false;

  constructor(
    readonly ground: StepGround,
    private current: Assignment,
  ) {}

  get assignment(): Assignment {
    return this.current;
  }

  /** @throws TributaryError ASSIGNMENT_CLOSED. */
  assertOpen(): void {
    const { id, state } = this.current;
    if (!isOpen(state)) throw new TributaryError('ASSIGNMENT_CLOSED', { assignmentId: id, state });
  }

  /** @throws TributaryError ASSIGNMENT_ILLEGAL_TRANSITION. */
  move(event: AssignmentEventName, patch: AssignmentPatch, detail: Record<string, unknown>): void {
    const { now } = this.ground;
    const before = this.current;
    const state = nextAssignmentState(before.state, event);
    const stageSince = state === before.state ? before.stageSince : now;
    this.current = { ...before, ...patch, state, stageSince, updatedAt: now };
    this.record('assignment.state', { state, ...detail });
  }

  record(kind: StepEvent['kind'], detail: Record<string, unknown>): void {
    const { id, runId, siteId } = this.current;
    const round = Number.parseInt(id.slice(`${runId}-r`.length), 10);
    this.events.push({ kind, round, siteId, detail });
  }
}
