import type { RoundState } from '@tributary/protocol';
import { nextState, type Transitions } from '../transitions.js';

export type RoundEventName = 'accept' | 'close' | 'publish' | 'abandon';

export const ROUND_TRANSITIONS: Transitions<RoundState, RoundEventName> = {
  offered: { accept: 'collecting', close: 'aggregating', abandon: 'abandoned' },
  collecting: { accept: 'collecting', close: 'aggregating', abandon: 'abandoned' },
  aggregating: { publish: 'published', abandon: 'abandoned' },
  published: {},
  abandoned: {},
};

/** @throws TributaryError ROUND_ILLEGAL_TRANSITION. */
export function nextRoundState(state: RoundState, event: RoundEventName): RoundState {
  return nextState(ROUND_TRANSITIONS, { state, event, illegal: 'ROUND_ILLEGAL_TRANSITION' });
}

/** True while updates may still come in. */
export function isCollecting(state: RoundState): boolean {
  return ROUND_TRANSITIONS[state].close !== undefined;
}

/** Whether nothing can happen to a round any more. */
export function isClosed(state: RoundState): boolean {
  return Object.keys(ROUND_TRANSITIONS[state]).length === 0;
}
