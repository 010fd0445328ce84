import { workerData } from 'node:worker_threads';
import type { AggregationResult } from '@tributary/federation';
import { hashHere } from '@tributary/federation/vectors/file-hash';
import { blobBytesOpener, blobSettingsSchema } from '../platform/blobs/open-blob-bytes.js';
import { serveOrders } from '../platform/threads/serve-orders.js';
import { AggregationOrders } from './aggregation-orders.js';
import { CheckOrders } from './checking/check-orders.js';
import { HashThread } from './hashing/hash-thread.js';
import type { UpdateOrder } from './update-orders.js';

const settings = blobSettingsSchema.parse(workerData);
const opener = blobBytesOpener(settings);
const checks = new CheckOrders(opener);
// Where updates come over the network, this thread waits for them, and another one for hashes would only take memory.
const { hashFile } = settings.s3 === undefined ? new HashThread() : { hashFile: hashHere };
const aggregations = new AggregationOrders(opener, hashFile);

serveOrders(async (order: UpdateOrder): Promise<AggregationResult | undefined> => {
  if (order.type === 'aggregate' || order.type === 'stop') return aggregations.obey(order);
  await checks.obey(order);
  return undefined;
});
