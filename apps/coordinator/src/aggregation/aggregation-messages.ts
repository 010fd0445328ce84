import type { AggregationRequestInput, AggregationResult } from '@tributary/federation';
import type { ErrorCode, ErrorContext } from '@tributary/protocol';

/** To the aggregation thread. */
export interface AggregationJob {
  readonly id: number;
  readonly request: AggregationRequestInput;
}

/** To the aggregation thread: the job of this id is not wanted any more. */
export interface AggregationStop {
  readonly stop: number;
}

/** From the aggregation thread; `id` is the job's. */
export type AggregationReply =
  | { readonly id: number; readonly type: 'done'; readonly result: AggregationResult }
  | { readonly id: number; readonly type: 'refused'; readonly code: ErrorCode; readonly context: ErrorContext }
  | { readonly id: number; readonly type: 'failed'; readonly message: string };
