import type { AggregationRequestInput, ExpectedUpdate } from '@tributary/federation';

/** An upload, where it lies, and what it must turn out to be. */
export interface UpdateCheck {
  readonly assignmentId: string;
  readonly address: string;
  readonly expected: ExpectedUpdate;
}

/** Only `finish` is asked. */
export type CheckOrder =
  | { readonly type: 'arrived'; readonly check: UpdateCheck; readonly bytes: number }
  | { readonly type: 'finish'; readonly check: UpdateCheck }
  | { readonly type: 'forget'; readonly assignmentId: string };

/** A round to aggregate, or the job that is not wanted any more; only `aggregate` is asked. */
export type AggregationOrder =
  | { readonly type: 'aggregate'; readonly job: number; readonly request: AggregationRequestInput }
  | { readonly type: 'stop'; readonly job: number };

/** To the thread that works on updates. */
export type UpdateOrder = CheckOrder | AggregationOrder;
