import type { AggregationRequestInput, AggregationResult } from '@tributary/federation';
import type { ErrorCode, ErrorContext } from '@tributary/protocol';
import { z } from 'zod';
import { s3SettingsSchema } from '../platform/blobs/s3/s3-settings.js';

/** What the aggregation thread is started with: where the blobs lie, when it is not in files. */
export const aggregationSettingsSchema = z.object({ s3: s3SettingsSchema.optional() });
export type AggregationSettings = z.infer<typeof aggregationSettingsSchema>;

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
