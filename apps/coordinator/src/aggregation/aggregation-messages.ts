import type { AggregationRequestInput } from '@tributary/federation';

/** To the aggregation thread: a round to aggregate, or the job that is not wanted any more. */
export type AggregationOrder =
  | { readonly type: 'aggregate'; readonly job: number; readonly request: AggregationRequestInput }
  | { readonly type: 'stop'; readonly job: number };
