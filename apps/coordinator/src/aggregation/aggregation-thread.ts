import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AggregationRequestInput, AggregationResult } from '@tributary/federation';
import type { BlobSettings } from '../platform/blobs/open-blob-bytes.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { StandingThread } from '../platform/threads/standing-thread.js';
import type { AggregationOrder } from './aggregation-messages.js';

/** The thread that aggregates. */
@Injectable()
export class AggregationThread implements OnModuleDestroy {
  private readonly thread: StandingThread<AggregationOrder, AggregationResult>;
  private lastJob = 0;

  constructor(@Inject(CONFIG) { s3 }: CoordinatorConfig) {
    this.thread = new StandingThread({
      title: 'the aggregation thread',
      url: new URL('./aggregation-worker.js', import.meta.url),
      settings: { s3 } satisfies BlobSettings,
    });
  }

  /** @throws TributaryError as `aggregateRound` does, DISK_FULL; an Error when the thread dies or `signal` is aborted. */
  async aggregate(request: AggregationRequestInput, signal: AbortSignal): Promise<AggregationResult> {
    const job = ++this.lastJob;
    const stop = (): void => this.thread.tell({ type: 'stop', job });
    signal.addEventListener('abort', stop);
    try {
      return await this.thread.ask({ type: 'aggregate', job, request });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  onModuleDestroy(): Promise<void> {
    return this.thread.terminate();
  }
}
