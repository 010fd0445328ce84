import { parentPort, workerData } from 'node:worker_threads';
import { aggregateRound } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import { isErrno } from '../platform/errors/errno.js';
import { S3Bucket } from '../platform/blobs/s3/s3-bucket.js';
import { openBlobBytes } from '../platform/blobs/s3/s3-bytes.js';
import {
  aggregationSettingsSchema,
  type AggregationJob,
  type AggregationReply,
  type AggregationStop,
} from './aggregation-messages.js';

const { s3 } = aggregationSettingsSchema.parse(workerData);
const open = openBlobBytes(s3 === undefined ? null : new S3Bucket(s3));
const stops = new Map<number, AbortController>();

/** One job: the answer always carries its id, and a refusal its code. */
async function aggregate({ id, request }: AggregationJob): Promise<AggregationReply> {
  const stop = new AbortController();
  stops.set(id, stop);
  try {
    return { id, type: 'done', result: await aggregateRound(request, { signal: stop.signal, open }) };
  } catch (error) {
    const known = storageError(error);
    if (known instanceof TributaryError) return { id, type: 'refused', code: known.code, context: known.context };
    return { id, type: 'failed', message: known instanceof Error ? known.message : String(known) };
  } finally {
    stops.delete(id);
  }
}

/** A full disk has a code of its own: the round waits for space. */
function storageError(error: unknown): unknown {
  return isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT') ? new TributaryError('DISK_FULL') : error;
}

parentPort?.on('message', (message: AggregationJob | AggregationStop) => {
  if ('stop' in message) stops.get(message.stop)?.abort(new Error('the aggregation was stopped'));
  else void aggregate(message).then((reply) => parentPort?.postMessage(reply));
});
