import { workerData } from 'node:worker_threads';
import type { AggregationResult } from '@tributary/federation';
import { blobBytesOpener, blobSettingsSchema } from '../platform/blobs/open-blob-bytes.js';
import { serveOrders } from '../platform/threads/serve-orders.js';
import { AggregationOrders } from './aggregation-orders.js';
import { CheckOrders } from './checking/check-orders.js';
import type { UpdateOrder } from './update-orders.js';

const opener = blobBytesOpener(blobSettingsSchema.parse(workerData));
const checks = new CheckOrders(opener);
const aggregations = new AggregationOrders(opener);

serveOrders(async (order: UpdateOrder): Promise<AggregationResult | undefined> => {
  if (order.type === 'aggregate' || order.type === 'stop') return aggregations.obey(order);
  await checks.obey(order);
  return undefined;
});
