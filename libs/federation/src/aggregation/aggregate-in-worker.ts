import { Worker } from 'node:worker_threads';
import { TributaryError, type ErrorCode, type ErrorContext } from '@tributary/protocol/errors';
import type { AggregationHooks } from './aggregate-round.js';
import type { AggregationProgress, AggregationRequestInput, AggregationResult } from './aggregation-request.js';

/** What the worker thread tells the thread that started it. */
export type WorkerMessage =
  | { readonly type: 'progress'; readonly progress: AggregationProgress }
  | { readonly type: 'done'; readonly result: AggregationResult }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly context: ErrorContext };

/**
 * `aggregateRound` in a thread of its own, so that the caller's event loop stays free.
 *
 * @throws What `aggregateRound` throws; an AbortError when stopped, an Error when the thread dies.
 */
export function aggregateInWorker(
  request: AggregationRequestInput,
  { onProgress, signal }: AggregationHooks = {},
): Promise<AggregationResult> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const worker = new Worker(new URL('./aggregation-worker.js', import.meta.url), { workerData: request });
    const stop = (): void => worker.postMessage('stop');
    signal?.addEventListener('abort', stop, { once: true });
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'progress') onProgress?.(message.progress);
      else if (message.type === 'done') resolve(message.result);
      else reject(new TributaryError(message.code, message.context));
    });
    worker.on('error', reject);
    worker.on('exit', (exitCode) => {
      signal?.removeEventListener('abort', stop);
      reject(new Error(`the aggregation thread ended with exit code ${exitCode}`));
    });
  });
}
