import { parentPort, workerData } from 'node:worker_threads';
import { TributaryError } from '@tributary/protocol/errors';
import { aggregateRound } from './aggregate-round.js';
import { aggregationRequestSchema } from './aggregation-request.js';
import type { WorkerMessage } from './aggregate-in-worker.js';

/** Entry of the worker thread that `aggregateInWorker` starts. Any message to it means: stop. */
async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const stopping = new AbortController();
  port.once('message', () => stopping.abort());
  const post = (message: WorkerMessage): void => port.postMessage(message);
  try {
    const result = await aggregateRound(aggregationRequestSchema.parse(workerData), {
      onProgress: (progress) => post({ type: 'progress', progress }),
      signal: stopping.signal,
    });
    post({ type: 'done', result });
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    post({ type: 'refused', code: error.code, context: error.context });
  } finally {
    port.close();
  }
}

if (parentPort) await serve(parentPort);
