import { TributaryError } from '@tributary/protocol';
import type { Assignment, AssignmentPatch, AssignmentRepository } from './assignment.repository.js';
import { isOpen, nextAssignmentState, type AssignmentEventName } from './assignment.states.js';
import type { RunChange } from './run-change.js';

/** One change of an assignment, inside of its run's change. */
export class AssignmentChange {
  constructor(
    readonly change: RunChange,
    readonly assignment: Assignment,
    private readonly assignments: AssignmentRepository,
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
    await this.assignments.save(db, this.assignment, { ...patch, state }, now);
    const { siteId } = this.assignment;
    this.change.record({ kind: 'assignment.state', round: this.roundNumber, siteId, detail: { state, ...detail } });
  }
}
