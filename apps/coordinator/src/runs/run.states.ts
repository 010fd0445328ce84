import type { RunState } from '@tributary/protocol';
import { nextState, type Transitions } from './transitions.js';

export type RunEventName = 'propose' | 'start' | 'pause' | 'resume' | 'evaluate' | 'complete' | 'fail' | 'cancel';

export const RUN_TRANSITIONS: Transitions<RunState, RunEventName> = {
  draft: { propose: 'approving', fail: 'failed', cancel: 'cancelled' },
  approving: { start: 'running', fail: 'failed', cancel: 'cancelled' },
  running: { pause: 'paused', evaluate: 'evaluating', fail: 'failed', cancel: 'cancelled' },
  paused: { resume: 'running', fail: 'failed', cancel: 'cancelled' },
  evaluating: { complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  completed: {},
  failed: {},
  cancelled: {},
};

/** @throws TributaryError RUN_ILLEGAL_TRANSITION. */
export function nextRunState(state: RunState, event: RunEventName): RunState {
  return nextState(RUN_TRANSITIONS, { state, event, illegal: 'RUN_ILLEGAL_TRANSITION' });
}

/** Whether nothing can happen to a run any more. */
export function isEnded(state: RunState): boolean {
  return Object.keys(RUN_TRANSITIONS[state]).length === 0;
}
