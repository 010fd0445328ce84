import type { ApprovalCount } from './proposal/approvals.service.js';
import type { Assignment } from './assignments/assignment.repository.js';
import { isOpen } from './assignments/assignment.states.js';
import { bufferOf, idleSites, overdue, type BufferRules } from './rounds/buffer.js';
import type { RoundWithAssignments } from './rounds/round.repository.js';
import { isClosed, isCollecting } from './rounds/round.states.js';
import type { Run } from './run.repository.js';

/** What is known of a run when the coordinator asks what to do next. */
export interface RunSnapshot {
  readonly run: Run;
  /** The first round that has not ended, else the last one. */
  readonly round: RoundWithAssignments | null;
  /** Number of the last published training round; 0 before the first. */
  readonly roundsDone: number;
  readonly now: Date;
}

/** The next thing to do for a run; `wait` says for what, and until when at the longest. */
export type Step =
  | { readonly kind: 'seek-approval' }
  | { readonly kind: 'open-round'; readonly n: number; readonly attempt: number }
  | { readonly kind: 'begin-evaluation' }
  /** The run is paused because the disk was short of room: look whether there is enough now. */
  | { readonly kind: 'check-space' }
  | { readonly kind: 'close-round' }
  | { readonly kind: 'abandon-round'; readonly reason: string }
  /** Asynchronous runs: the newest version to sites that have nothing to do. */
  | { readonly kind: 'offer' }
  /** Asynchronous runs: the time of some sites is up. */
  | { readonly kind: 'expire'; readonly late: readonly Assignment[] }
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'conclude' }
  | { readonly kind: 'wait'; readonly for: string; readonly until: Date | null }
  | { readonly kind: 'nothing' };

/** Decides from state alone: asked again after a crash, or by another replica, it says the same. */
export function nextStep(snapshot: RunSnapshot): Step {
  const { run, round } = snapshot;
  if (run.state === 'approving') return { kind: 'seek-approval' };
  if (!['running', 'paused', 'evaluating'].includes(run.state)) return { kind: 'nothing' };
  if (round !== null && isCollecting(round.state)) return stepOfCollecting(round, run, snapshot.now);
  if (round?.state === 'aggregating') return { kind: 'aggregate' };
  if (run.state === 'paused') return stepOfPaused(run);
  return run.state === 'evaluating' ? stepOfEvaluating(round) : stepOfRunning(snapshot);
}

function stepOfRunning({ run, round, roundsDone, now }: RunSnapshot): Step {
  if (roundsDone >= run.recipe.rounds.count) return { kind: 'begin-evaluation' };
  if (run.nextRoundAt > now) return waitForNextRound(run);
  const n = roundsDone + 1;
  return { kind: 'open-round', n, attempt: round?.n === n ? round.attempt + 1 : 0 };
}

/** The evaluation is one round; whatever became of it, the run is concluded after it. */
function stepOfEvaluating(round: RoundWithAssignments | null): Step {
  return round?.kind === 'evaluate' && isClosed(round.state) ? { kind: 'conclude' } : { kind: 'begin-evaluation' };
}

/** A round that collects is closed when all have answered or time is up, given up when a quorum cannot come. */
export function stepOfCollecting(round: RoundWithAssignments, run: Run, now: Date): Step {
  const buffer = round.kind === 'train' ? bufferOf(run.recipe) : null;
  if (buffer !== null) return stepOfBuffer(round, { run, buffer, now });
  const { received, open } = countAnswers(round.assignments);
  const quorum = round.kind === 'train' ? run.recipe.rounds.quorum : 1;
  const isLate = round.deadlineAt <= now;
  if (received >= quorum && (open === 0 || isLate)) return { kind: 'close-round' };
  if (isLate) return { kind: 'abandon-round', reason: `deadline passed with ${received} of ${quorum} updates` };
  if (received + open < quorum) {
    return { kind: 'abandon-round', reason: `only ${received + open} of ${quorum} updates can still come` };
  }
  return { kind: 'wait', for: waitingText(round.assignments), until: round.deadlineAt };
}

/** A buffer is closed when it is full, whoever is still training; an attempt at it is given up at its deadline. */
function stepOfBuffer(
  round: RoundWithAssignments,
  { run, buffer, now }: { run: Run; buffer: BufferRules; now: Date },
): Step {
  const { received, open } = countAnswers(round.assignments);
  if (received >= buffer.bufferSize) return { kind: 'close-round' };
  const late = overdue(round, now);
  if (late.length > 0) return { kind: 'expire', late };
  if (run.state === 'paused') return stepOfPaused(run);
  const reason = `${received} of ${buffer.bufferSize} updates arrived`;
  if (round.deadlineAt <= now) return { kind: 'abandon-round', reason: `deadline passed: ${reason}` };
  if (run.nextRoundAt <= now && idleSites(run.sites, round).length > 0) return { kind: 'offer' };
  if (run.nextRoundAt > now && open === 0) return waitForNextRound(run);
  if (open === 0) return { kind: 'abandon-round', reason: `no site is left to ask: ${reason}` };
  return { kind: 'wait', for: waitingText(round.assignments), until: round.deadlineAt };
}

function stepOfPaused({ pauseCause }: Run): Step {
  if (pauseCause === 'storage') return { kind: 'check-space' };
  return { kind: 'wait', for: 'an admin to resume the run', until: null };
}

function waitForNextRound({ nextRoundAt, nextRoundWaitsFor }: Run): Step {
  return { kind: 'wait', for: nextRoundWaitsFor ?? 'the next attempt at the round', until: nextRoundAt };
}

export interface AnswerCounts {
  readonly received: number;
  /** Declined or failed. */
  readonly declined: number;
  readonly open: number;
}

/** How the sites of a round have answered so far; a failed one has declined. */
export function countAnswers(assignments: readonly Assignment[]): AnswerCounts {
  return {
    received: assignments.filter(({ state }) => state === 'received').length,
    declined: assignments.filter(({ state }) => state === 'declined' || state === 'failed').length,
    open: assignments.filter(({ state }) => isOpen(state)).length,
  };
}

/** What the coordinator itself is about to do, for whoever asks what a run waits for. */
export function ownWorkText(step: Step, round: RoundWithAssignments | null): string {
  switch (step.kind) {
    case 'aggregate': {
      const { received } = countAnswers(round?.assignments ?? []);
      return round?.kind === 'evaluate' ? `the scores of ${received} sites` : `the aggregation of ${received} updates`;
    }
    case 'open-round':
      return `round ${step.n} to be opened`;
    case 'check-space':
      return 'room on the disk';
    case 'begin-evaluation':
      return 'the evaluation to begin';
    case 'conclude':
      return 'the release';
    default:
      return 'the coordinator';
  }
}

/** Sites that are named; the others are counted. */
const MOST_NAMED = 20;

/** The sites that have not answered, each with its stage. */
export function waitingText(assignments: readonly Assignment[]): string {
  const waiting = assignments.filter(({ state }) => isOpen(state));
  return listed(waiting.map(({ siteId, state, stage }) => `${siteId} (${stage ?? state})`));
}

/** What a run waits for until its sites have answered its recipe. */
export function approvalText({ silent, declined }: Pick<ApprovalCount, 'silent' | 'declined'>): string {
  const awaited = silent.length === 0 ? 'a quorum of approvals' : `answers to the recipe from ${listed(silent)}`;
  return declined.length === 0 ? awaited : `${awaited}; declined by ${listed(declined)}`;
}

function listed(names: readonly string[]): string {
  const others = names.length - MOST_NAMED;
  return [...names.slice(0, MOST_NAMED), ...(others > 0 ? [`${others} more`] : [])].join(', ');
}
