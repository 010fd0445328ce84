import { parentPort } from 'node:worker_threads';
import { aggregateRound } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import type { AggregationJob, AggregationReply } from './aggregation-messages.js';

/** One job: the answer always carries its id, and a refusal its code. */
async function aggregate({ id, request }: AggregationJob): Promise<AggregationReply> {
  try {
    return { id, type: 'done', result: await aggregateRound(request) };
  } catch (error) {
    if (error instanceof TributaryError) return { id, type: 'refused', code: error.code, context: error.context };
    return { id, type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (job: AggregationJob) => {
  void aggregate(job).then((reply) => parentPort?.postMessage(reply));
});
