import type { AssignmentState } from '@tributary/protocol';
import { nextState, type Transitions } from '../transitions.js';

export type AssignmentEventName =
  'accept' | 'decline' | 'train' | 'upload' | 'receive' | 'fail' | 'expire' | 'supersede';

/** What may happen to every assignment that is still open, whatever message of its site was lost on the way. */
const CLOSING = { receive: 'received', fail: 'failed', expire: 'expired', supersede: 'superseded' } as const;

export const ASSIGNMENT_TRANSITIONS: Transitions<AssignmentState, AssignmentEventName> = {
  offered: { accept: 'accepted', decline: 'declined', ...CLOSING },
  accepted: { accept: 'accepted', train: 'training', upload: 'uploading', ...CLOSING },
  training: { accept: 'training', train: 'training', upload: 'uploading', ...CLOSING },
  uploading: { accept: 'uploading', upload: 'uploading', train: 'uploading', ...CLOSING },
  received: {},
  declined: {},
  expired: {},
  failed: {},
  superseded: {},
};

/** @throws TributaryError ASSIGNMENT_ILLEGAL_TRANSITION. */
export function nextAssignmentState(state: AssignmentState, event: AssignmentEventName): AssignmentState {
  return nextState(ASSIGNMENT_TRANSITIONS, { state, event, illegal: 'ASSIGNMENT_ILLEGAL_TRANSITION' });
}

/** True while its site may still answer. */
export function isOpen(state: AssignmentState): boolean {
  return ASSIGNMENT_TRANSITIONS[state].receive !== undefined;
}
