import { describe, expect, it } from '@jest/globals';
import {
  LIVE_ROUND_STATES,
  OPEN_ASSIGNMENT_STATES,
  assignmentStateSchema,
  roundStateSchema,
  runStateSchema,
  type AssignmentState,
  type RoundState,
  type RunState,
} from '@tributary/protocol';
import {
  ASSIGNMENT_TRANSITIONS,
  isOpen,
  nextAssignmentState,
  type AssignmentEventName,
} from './assignments/assignment.states.js';
import { isClosed, isCollecting, nextRoundState, type RoundEventName } from './rounds/round.states.js';
import { isEnded, nextRunState, type RunEventName } from './run.states.js';

/** Visits every state and every event: a pair is legal with exactly this outcome, or refused by name. */
function visitAll<State extends string, Event extends string>(
  { states, events }: { states: readonly State[]; events: readonly Event[] },
  next: (state: State, event: Event) => State,
): string[] {
  return states.flatMap((state) =>
    events.flatMap((event) => {
      try {
        return [`${state} ${event} ${next(state, event)}`];
      } catch (error) {
        expect(String(error)).toContain(`"${event}" in state "${state}"`);
        return [];
      }
    }),
  );
}

describe('the life cycle of a run', () => {
  const events: RunEventName[] = ['propose', 'start', 'pause', 'resume', 'evaluate', 'complete', 'fail', 'cancel'];

  it('allows these moves and no other', () => {
    expect(visitAll<RunState, RunEventName>({ states: runStateSchema.options, events }, nextRunState)).toEqual([
      'draft propose approving',
      'draft fail failed',
      'draft cancel cancelled',
      'approving start running',
      'approving fail failed',
      'approving cancel cancelled',
      'running pause paused',
      'running evaluate evaluating',
      'running fail failed',
      'running cancel cancelled',
      'paused resume running',
      'paused fail failed',
      'paused cancel cancelled',
      'evaluating complete completed',
      'evaluating fail failed',
      'evaluating cancel cancelled',
    ]);
  });

  it('ends in three states', () => {
    expect(runStateSchema.options.filter(isEnded)).toEqual(['completed', 'failed', 'cancelled']);
  });
});

describe('the life cycle of a round', () => {
  const events: RoundEventName[] = ['accept', 'close', 'publish', 'abandon'];

  it('allows these moves and no other', () => {
    expect(visitAll<RoundState, RoundEventName>({ states: roundStateSchema.options, events }, nextRoundState)).toEqual([
      'offered accept collecting',
      'offered close aggregating',
      'offered abandon abandoned',
      'collecting accept collecting',
      'collecting close aggregating',
      'collecting abandon abandoned',
      'aggregating publish published',
      'aggregating abandon abandoned',
    ]);
  });

  it('takes updates until it is closed', () => {
    expect(roundStateSchema.options.filter(isCollecting)).toEqual(['offered', 'collecting']);
    expect(roundStateSchema.options.filter(isClosed)).toEqual(['published', 'abandoned']);
  });

  it('names the live states alike for queries and for decisions', () => {
    expect(roundStateSchema.options.filter((state) => !isClosed(state))).toEqual(LIVE_ROUND_STATES);
  });
});

describe('the life cycle of an assignment', () => {
  const events: AssignmentEventName[] = [
    'accept',
    'decline',
    'train',
    'upload',
    'receive',
    'fail',
    'expire',
    'supersede',
  ];
  const closing = ['receive received', 'fail failed', 'expire expired', 'supersede superseded'];

  it('allows these moves and no other', () => {
    const moves = visitAll<AssignmentState, AssignmentEventName>(
      { states: assignmentStateSchema.options, events },
      nextAssignmentState,
    );
    const open = ['offered', 'accepted', 'training', 'uploading'];
    const expected = [
      ...['offered accept accepted', 'offered decline declined'],
      ...['accepted accept accepted', 'accepted train training', 'accepted upload uploading'],
      ...['training accept training', 'training train training', 'training upload uploading'],
      ...['uploading accept uploading', 'uploading train uploading', 'uploading upload uploading'],
      ...open.flatMap((state) => closing.map((move) => `${state} ${move}`)),
    ];
    expect(new Set(moves)).toEqual(new Set(expected));
  });

  it('names the open states alike for queries and for decisions', () => {
    expect(assignmentStateSchema.options.filter(isOpen)).toEqual(OPEN_ASSIGNMENT_STATES);
    expect(Object.keys(ASSIGNMENT_TRANSITIONS)).toEqual(assignmentStateSchema.options);
  });
});
