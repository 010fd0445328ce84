import type { AssignmentState, RoundState } from '@tributary/protocol';
import type { Assignment } from '../assignments/assignment.repository.js';
import type { RoundWithAssignments } from './round.repository.js';

const OPENED = new Date('2026-03-01T11:50:00Z');
const DEADLINE = new Date('2026-03-01T12:10:00Z');

/** A training round that was opened at 11:50 and ends at 12:10. */
export function buildRound(
  state: RoundState,
  assignments: readonly Assignment[],
  patch: Partial<RoundWithAssignments> = {},
): RoundWithAssignments {
  return {
    id: 'run-00000001-r1-a0',
    runId: 'run-00000001',
    n: 1,
    attempt: 0,
    kind: 'train',
    state,
    openedAt: OPENED,
    deadlineAt: DEADLINE,
    closedAt: null,
    reason: null,
    loss: null,
    bytesUp: 0,
    timings: null,
    assignments,
    ...patch,
  };
}

/** One site's part in it. */
export function buildAssignment(state: AssignmentState, patch: Partial<Assignment> = {}): Assignment {
  const siteId = patch.siteId ?? 'site-a';
  return {
    id: `run-00000001-r1-a0-${siteId}`,
    runId: 'run-00000001',
    roundId: 'run-00000001-r1-a0',
    siteId,
    baseVersion: 0,
    state,
    deadlineAt: DEADLINE,
    stage: null,
    stageSince: OPENED,
    imagesPerSecond: null,
    done: null,
    total: null,
    images: null,
    loss: null,
    bytes: null,
    bytesDown: 0,
    updateSha256: null,
    report: null,
    problem: null,
    updatedAt: OPENED,
    ...patch,
  };
}
