import { parentPort } from 'node:worker_threads';
import { TributaryError } from '@tributary/protocol/errors';
import { isErrno } from '../errors/errno.js';
import type { ThreadOrder, ThreadReply } from './thread-messages.js';

type ThreadWork<Order, Result> = (order: Order) => Promise<Result>;

/**
 * The thread's side of a `StandingThread`: does each order as it comes, beside those under way, and answers those that are asked.
 */
export function serveOrders<Order, Result>(work: ThreadWork<Order, Result>): void {
  parentPort?.on('message', ({ order, id }: ThreadOrder<Order>) => {
    const done = work(order);
    if (id === undefined) done.catch(() => undefined);
    else void replyOf(id, done).then((reply) => parentPort?.postMessage(reply));
  });
}

/** The answer always carries the order's id, and a refusal its code. */
async function replyOf<Result>(id: number, work: Promise<Result>): Promise<ThreadReply<Result>> {
  try {
    return { id, type: 'done', result: await work };
  } catch (error) {
    const known = storageError(error);
    if (known instanceof TributaryError) return { id, type: 'refused', code: known.code, context: known.context };
    return { id, type: 'failed', message: known instanceof Error ? known.message : String(known) };
  }
}

/** A full disk has a code of its own: the work waits for space. */
function storageError(error: unknown): unknown {
  return isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT') ? new TributaryError('DISK_FULL') : error;
}
