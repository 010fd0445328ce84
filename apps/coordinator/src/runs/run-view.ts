import type { AssignmentView, RoundView, RunView } from '@tributary/protocol';
import type { Version } from '../models/versions.service.js';
import type { Assignment } from './assignments/assignment.repository.js';
import { countAnswers } from './next-step.js';
import { roundTraffic } from './rounds/round-traffic.js';
import type { RoundWithAssignments } from './rounds/round.repository.js';
import type { Run } from './run.repository.js';

/** A round as admins see it. */
export function roundView(run: Run, round: RoundWithAssignments): RoundView {
  const { received, declined } = countAnswers(round.assignments);
  const { n, attempt, kind, state, openedAt, deadlineAt, closedAt, reason, loss, bytesUp, timings } = round;
  return {
    n,
    attempt,
    kind,
    state,
    openedAt: openedAt.toISOString(),
    deadlineAt: deadlineAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    reason,
    answered: received,
    declined,
    loss,
    seconds: closedAt === null ? null : (closedAt.getTime() - openedAt.getTime()) / 1000,
    ...roundTraffic(run, round),
    bytesUp,
    timings,
  };
}

export interface RunViewParts {
  readonly run: Run;
  readonly round: RoundWithAssignments | null;
  readonly roundsDone: number;
  readonly released: Version | null;
  readonly waiting: { readonly for: string; readonly until: Date | null } | null;
}

/** Everything that an admin asks of a run, from its rows. */
export function runView({ run, round, roundsDone, released, waiting }: RunViewParts): RunView {
  return {
    id: run.id,
    studyId: run.studyId,
    name: run.name,
    recipeSha256: run.recipeSha256,
    state: run.state,
    sites: [...run.sites],
    rounds: run.recipe.rounds.count,
    roundsDone,
    createdAt: run.createdAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
    waitingFor: waiting?.for ?? null,
    waitingUntil: waiting?.until?.toISOString() ?? null,
    pauseCause: run.pauseCause,
    problem: run.problem,
    currentRound: round === null ? null : roundView(run, round),
    assignments: round === null ? [] : round.assignments.map(assignmentView),
    evaluation: run.evaluation,
    release: released === null ? null : { version: `${run.id}/${released.round}`, weights: released.ema },
  };
}

function assignmentView(assignment: Assignment): AssignmentView {
  const { id, siteId, state, stage, done, total, images, loss, imagesPerSecond } = assignment;
  const { bytes, bytesDown, problem, baseVersion } = assignment;
  return {
    ...{ id, siteId, state, stage, done, total, images, loss, imagesPerSecond },
    ...{ bytes, bytesDown, problem, baseVersion },
    updatedAt: assignment.updatedAt.toISOString(),
    deadlineAt: assignment.deadlineAt.toISOString(),
    stageSince: assignment.stageSince.toISOString(),
  };
}
