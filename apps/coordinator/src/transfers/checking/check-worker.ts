import { workerData } from 'node:worker_threads';
import { blobBytesOpener, blobSettingsSchema } from '../../platform/blobs/open-blob-bytes.js';
import { serveOrders } from '../../platform/threads/serve-orders.js';
import type { CheckOrder, UpdateCheck } from './check-messages.js';
import { GrowingCheck } from './growing-check.js';

const opener = blobBytesOpener(blobSettingsSchema.parse(workerData));
const begun = new Map<string, GrowingCheck>();
/** The end of the last order for an upload: they go one after the other. */
const last = new Map<string, Promise<void>>();

serveOrders(async (order: CheckOrder): Promise<void> => {
  const assignmentId = order.type === 'forget' ? order.assignmentId : order.check.assignmentId;
  const done = (last.get(assignmentId) ?? Promise.resolve()).catch(() => undefined).then(() => obey(order));
  last.set(assignmentId, done);
  try {
    await done;
  } finally {
    if (last.get(assignmentId) === done) last.delete(assignmentId);
  }
});

async function obey(order: CheckOrder): Promise<void> {
  if (order.type === 'forget') return end(order.assignmentId);
  const { check } = order;
  if (order.type === 'finish') {
    return checkOf(check)
      .then((growing) => growing.finish())
      .finally(() => end(check.assignmentId));
  }
  // What could not be read now is read when all is there.
  await checkOf(check)
    .then((growing) => growing.advance(order.bytes))
    .catch(() => end(check.assignmentId));
}

/** The check that was begun, or one from the first byte. */
async function checkOf(check: UpdateCheck): Promise<GrowingCheck> {
  const known = begun.get(check.assignmentId);
  if (known !== undefined && (await known.isOf(check))) return known;
  await end(check.assignmentId);
  const fresh = await GrowingCheck.begin(check, await opener);
  begun.set(check.assignmentId, fresh);
  return fresh;
}

async function end(assignmentId: string): Promise<void> {
  const check = begun.get(assignmentId);
  begun.delete(assignmentId);
  await check?.close();
}
