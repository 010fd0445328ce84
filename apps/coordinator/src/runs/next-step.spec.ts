import { describe, expect, it } from '@jest/globals';
import {
  recipeSchema,
  strategySchema,
  type AssignmentState,
  type RoundState,
  type RunState,
} from '@tributary/protocol';
import { approvalText, nextStep, ownWorkText, type RunSnapshot } from './next-step.js';
import type { RoundWithAssignments } from './rounds/round.repository.js';
import { buildAssignment, buildRound as roundOf } from './rounds/round.spec-support.js';
import type { Run } from './run.repository.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const LATER = new Date('2026-03-01T12:10:00Z');
const EARLIER = new Date('2026-03-01T11:50:00Z');

const recipe = recipeSchema.parse({
  name: 'tiny',
  seed: 7,
  image: { sizePx: 16, channels: 1 },
  classes: ['base', 'vertex'],
  data: { intensity: { method: 'percentile' } },
  conditioning: {},
  network: { kind: 'unet2d', blockOutChannels: [8], attention: [false] },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3 },
  rounds: { count: 3, localSteps: 1, batchSize: 2, quorum: 2 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'heun' },
});

function buildRun(state: RunState, patch: Partial<Run> = {}): Run {
  return {
    id: 'run-00000001',
    studyId: 'brains',
    name: 'tiny',
    recipe,
    recipeSha256: '0'.repeat(64),
    state,
    sites: ['site-a', 'site-b', 'site-c'],
    eventSeq: 0,
    attemptsForgiven: 0,
    manifest: null,
    approvalDeadlineAt: LATER,
    nextRoundAt: EARLIER,
    nextRoundWaitsFor: null,
    pauseCause: null,
    problem: null,
    evaluation: null,
    createdAt: EARLIER,
    startedAt: null,
    endedAt: null,
    ...patch,
  };
}

function buildRound(
  state: RoundState,
  states: AssignmentState[],
  patch: Partial<RoundWithAssignments> = {},
): RoundWithAssignments {
  const assignments = states.map((each, index) => buildAssignment(each, { siteId: `site-${'abc'[index] ?? 'z'}` }));
  return roundOf(state, assignments, patch);
}

const snapshot = (run: Run, round: RoundWithAssignments | null, roundsDone = 0): RunSnapshot => ({
  run,
  round,
  roundsDone,
  now: NOW,
});
const late = { deadlineAt: EARLIER };

describe('the next step of a run', () => {
  it('seeks approval before anything else', () => {
    expect(nextStep(snapshot(buildRun('approving'), null)).kind).toBe('seek-approval');
  });

  it.each(['completed', 'failed', 'cancelled', 'draft'] as const)('does nothing for a run that is %s', (state) => {
    expect(nextStep(snapshot(buildRun(state), buildRound('collecting', ['received']))).kind).toBe('nothing');
  });

  it('opens the round after the last published one', () => {
    const published = buildRound('published', [], { n: 1 });
    expect(nextStep(snapshot(buildRun('running'), published, 1))).toEqual({ kind: 'open-round', n: 2, attempt: 0 });
  });

  it('tries an abandoned round again, with the next attempt', () => {
    const abandoned = buildRound('abandoned', [], { n: 2, attempt: 3 });
    expect(nextStep(snapshot(buildRun('running'), abandoned, 1))).toEqual({ kind: 'open-round', n: 2, attempt: 4 });
  });

  it('waits with the next attempt until its time', () => {
    const run = buildRun('running', { nextRoundAt: LATER });
    expect(nextStep(snapshot(run, buildRound('abandoned', [])))).toMatchObject({ kind: 'wait', until: LATER });
  });

  it('closes a round when all have answered and a quorum has sent', () => {
    const round = buildRound('collecting', ['received', 'declined', 'received']);
    expect(nextStep(snapshot(buildRun('running'), round)).kind).toBe('close-round');
  });

  it('waits for a site that has not answered while there is time, and says for whom', () => {
    const round = buildRound('collecting', ['received', 'received', 'training']);
    expect(nextStep(snapshot(buildRun('running'), round))).toEqual({
      kind: 'wait',
      for: 'site-c (training)',
      until: LATER,
    });
  });

  it('says what the coordinator itself is at', () => {
    const textOf = (state: RunSnapshot): string => ownWorkText(nextStep(state), state.round);
    const aggregating = buildRound('aggregating', ['received', 'received', 'expired']);
    expect(textOf(snapshot(buildRun('running'), aggregating))).toBe('the aggregation of 2 updates');
    const scoring = buildRound('aggregating', ['received', 'received'], { kind: 'evaluate' });
    expect(textOf(snapshot(buildRun('evaluating'), scoring))).toBe('the scores of 2 sites');
    expect(textOf(snapshot(buildRun('running'), null, 1))).toBe('round 2 to be opened');
    expect(textOf(snapshot(buildRun('paused', { pauseCause: 'storage' }), null, 1))).toBe('room on the disk');
  });

  it('closes a round with a quorum at its deadline', () => {
    const round = buildRound('collecting', ['received', 'received', 'training'], late);
    expect(nextStep(snapshot(buildRun('running'), round)).kind).toBe('close-round');
  });

  it('abandons a round without a quorum at its deadline', () => {
    const round = buildRound('collecting', ['received', 'training', 'offered'], late);
    expect(nextStep(snapshot(buildRun('running'), round))).toEqual({
      kind: 'abandon-round',
      reason: 'deadline passed with 1 of 2 updates',
    });
  });

  it('abandons a round at once when a quorum can no longer come', () => {
    const round = buildRound('collecting', ['declined', 'failed', 'training']);
    expect(nextStep(snapshot(buildRun('running'), round))).toEqual({
      kind: 'abandon-round',
      reason: 'only 1 of 2 updates can still come',
    });
  });

  it('goes on with an aggregation that a crash interrupted', () => {
    expect(nextStep(snapshot(buildRun('running'), buildRound('aggregating', ['received']))).kind).toBe('aggregate');
  });

  it('finishes the round in flight of a paused run, and opens no other', () => {
    expect(nextStep(snapshot(buildRun('paused'), buildRound('aggregating', []))).kind).toBe('aggregate');
    expect(nextStep(snapshot(buildRun('paused'), buildRound('published', []), 1)).kind).toBe('wait');
  });

  it('evaluates after the last round', () => {
    const last = buildRound('published', [], { n: 3 });
    expect(nextStep(snapshot(buildRun('running'), last, 3)).kind).toBe('begin-evaluation');
  });

  it('closes an evaluation with the results of one site when the others are late', () => {
    const round = buildRound('collecting', ['received', 'training', 'offered'], { ...late, n: 4, kind: 'evaluate' });
    expect(nextStep(snapshot(buildRun('evaluating'), round, 3)).kind).toBe('close-round');
  });

  it('concludes a run whose evaluation came to nothing', () => {
    const round = buildRound('abandoned', ['declined', 'declined', 'failed'], { n: 4, kind: 'evaluate' });
    expect(nextStep(snapshot(buildRun('evaluating'), round, 3)).kind).toBe('conclude');
  });

  describe('in an asynchronous run', () => {
    const strategy = strategySchema.parse({ kind: 'fedbuff', bufferSize: 2 });
    const asynchronous = (state: RunState, patch: Partial<Run> = {}) =>
      buildRun(state, { recipe: { ...recipe, strategy }, ...patch });

    it('closes the buffer as soon as it is full, whoever is still training', () => {
      const round = buildRound('collecting', ['received', 'training', 'received']);
      expect(nextStep(snapshot(asynchronous('running'), round)).kind).toBe('close-round');
      expect(nextStep(snapshot(asynchronous('paused'), round)).kind).toBe('close-round');
    });

    it('waits for sites that train, whatever the deadline of the others', () => {
      const round = buildRound('collecting', ['received', 'training', 'training']);
      expect(nextStep(snapshot(asynchronous('running'), round))).toMatchObject({ kind: 'wait', until: LATER });
    });

    it('offers the newest version to idle sites, but not while the run is paused', () => {
      const round = buildRound('collecting', ['training', 'training']);
      expect(nextStep(snapshot(asynchronous('running'), round)).kind).toBe('offer');
      expect(nextStep(snapshot(asynchronous('paused', { pauseCause: 'admin' }), round))).toMatchObject({
        kind: 'wait',
        for: 'an admin to resume the run',
      });
    });

    it('ends assignments whose time is up, and gives up an attempt at its deadline', () => {
      const training = buildAssignment('training', { siteId: 'site-a', deadlineAt: EARLIER });
      const round = roundOf('collecting', [training]);
      expect(nextStep(snapshot(asynchronous('running'), round)).kind).toBe('expire');
      const waiting = buildRound('collecting', ['received', 'training', 'training'], late);
      expect(nextStep(snapshot(asynchronous('running'), waiting)).kind).toBe('abandon-round');
    });

    it('gives up an attempt that nobody can complete', () => {
      const round = buildRound('collecting', ['received', 'declined', 'failed']);
      expect(nextStep(snapshot(asynchronous('running'), round)).kind).toBe('abandon-round');
    });
  });
});

describe('what a run waits for before it begins', () => {
  it('is told by name, with the sites that declined', () => {
    expect(approvalText({ silent: ['c', 'd'], declined: [] })).toBe('answers to the recipe from c, d');
    expect(approvalText({ silent: ['c'], declined: ['a', 'b'] })).toBe(
      'answers to the recipe from c; declined by a, b',
    );
    expect(approvalText({ silent: [], declined: ['a'] })).toBe('a quorum of approvals; declined by a');
  });

  it('names a few of many sites and counts the others', () => {
    const silent = Array.from({ length: 1000 }, (_, index) => `site-${index}`);
    expect(approvalText({ silent, declined: [] })).toMatch(/^answers to the recipe from site-0, .*site-19, 980 more$/);
  });
});
