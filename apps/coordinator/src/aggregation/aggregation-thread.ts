import { Worker } from 'node:worker_threads';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AggregationRequestInput, AggregationResult } from '@tributary/federation';
import { TributaryError } from '@tributary/protocol';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import type { AggregationJob, AggregationReply, AggregationSettings, AggregationStop } from './aggregation-messages.js';

interface Pending {
  readonly resolve: (result: AggregationResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One thread that stays up and aggregates: the event loop stays free, and a short round does not pay for starting a thread.
 * If it dies, what it was doing fails (and is done again by the caller) and the next job starts a new one.
 */
@Injectable()
export class AggregationThread implements OnModuleDestroy {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;

  constructor(@Inject(CONFIG) private readonly config: CoordinatorConfig) {}

  /** @throws TributaryError as `aggregateRound` does, DISK_FULL; an Error when the thread dies or `signal` is aborted. */
  async aggregate(request: AggregationRequestInput, signal: AbortSignal): Promise<AggregationResult> {
    const job: AggregationJob = { id: ++this.lastId, request };
    const stop = (): void => this.worker?.postMessage({ stop: job.id } satisfies AggregationStop);
    signal.addEventListener('abort', stop);
    try {
      return await new Promise((resolve, reject) => {
        this.pending.set(job.id, { resolve, reject });
        this.running().postMessage(job);
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.worker?.terminate();
  }

  private running(): Worker {
    if (this.worker !== undefined) return this.worker;
    const worker = new Worker(new URL('./aggregation-worker.js', import.meta.url), {
      workerData: { s3: this.config.s3 } satisfies AggregationSettings,
    });
    worker.unref();
    worker.on('message', (reply: AggregationReply) => this.settle(reply));
    worker.on('error', (error: Error) => this.failAll(error));
    worker.on('exit', (exitCode) => {
      this.worker = undefined;
      this.failAll(new Error(`the aggregation thread ended with exit code ${exitCode}`));
    });
    this.worker = worker;
    return worker;
  }

  private settle(reply: AggregationReply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.type === 'done') pending?.resolve(reply.result);
    else if (reply.type === 'refused') pending?.reject(new TributaryError(reply.code, reply.context));
    else pending?.reject(new Error(reply.message));
  }

  private failAll(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}
