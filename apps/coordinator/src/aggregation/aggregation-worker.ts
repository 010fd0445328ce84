import { workerData } from 'node:worker_threads';
import { aggregateRound, type AggregationResult } from '@tributary/federation';
import { blobBytesOpener, blobSettingsSchema } from '../platform/blobs/open-blob-bytes.js';
import { serveOrders } from '../platform/threads/serve-orders.js';
import { HashThread } from './hashing/hash-thread.js';
import type { AggregationOrder } from './aggregation-messages.js';

const opener = blobBytesOpener(blobSettingsSchema.parse(workerData));
const { hashFile } = new HashThread();
const stops = new Map<number, AbortController>();

serveOrders(async (order: AggregationOrder): Promise<AggregationResult | undefined> => {
  if (order.type === 'stop') {
    stops.get(order.job)?.abort(new Error('the aggregation was stopped'));
    return undefined;
  }
  const stop = new AbortController();
  stops.set(order.job, stop);
  try {
    return await aggregateRound(order.request, { signal: stop.signal, open: await opener, hashFile });
  } finally {
    stops.delete(order.job);
  }
});
