import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AggregationRequestInput, AggregationResult } from '@tributary/federation';
import type { BlobSettings } from '../platform/blobs/open-blob-bytes.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { StandingThread } from '../platform/threads/standing-thread.js';
import type { UpdateCheck, UpdateOrder } from './update-orders.js';

export type { UpdateCheck } from './update-orders.js';

/** Each keeps a file open. What is forgotten is checked from its first byte when it is whole. */
const MOST_BEGUN = 64;

/**
 * The thread that checks updates while they arrive, and aggregates those of a round: one for both, as a round is aggregated when
 * all its updates are checked, and a thread takes 20 MB. What it knows is in its memory only: if it dies, unfinished
 * uploads are checked from their first byte and the round is aggregated again.
 */
@Injectable()
export class UpdateThreadService implements OnModuleDestroy {
  private readonly thread: StandingThread<UpdateOrder, AggregationResult | undefined>;
  /** Uploads that the thread has begun to check, the oldest first. */
  private readonly begun = new Set<string>();
  private lastJob = 0;

  constructor(@Inject(CONFIG) { s3 }: CoordinatorConfig) {
    this.thread = new StandingThread({
      title: 'the thread for updates',
      url: new URL('./update-worker.js', import.meta.url),
      settings: { s3 } satisfies BlobSettings,
      onEnd: () => this.begun.clear(),
    });
  }

  /** Lets the thread check what has arrived of an upload; returns at once. */
  arrived(check: UpdateCheck, bytes: number): void {
    this.begun.add(check.assignmentId);
    const [oldest] = this.begun;
    if (this.begun.size > MOST_BEGUN && oldest !== undefined) this.forget(oldest);
    this.thread.tell({ type: 'arrived', check, bytes });
  }

  /** Checks the rest of an upload that is whole. @throws TributaryError as `UpdateVerifier` does; an Error when storage fails. */
  async finish(check: UpdateCheck): Promise<void> {
    this.begun.delete(check.assignmentId);
    await this.thread.ask({ type: 'finish', check });
  }

  /** The upload is gone. */
  forget(assignmentId: string): void {
    if (this.begun.delete(assignmentId)) this.thread.tell({ type: 'forget', assignmentId });
  }

  /** @throws TributaryError as `aggregateRound` does, DISK_FULL; an Error when the thread dies or `signal` is aborted. */
  async aggregate(request: AggregationRequestInput, signal: AbortSignal): Promise<AggregationResult> {
    const job = ++this.lastJob;
    const stop = (): void => this.thread.tell({ type: 'stop', job });
    signal.addEventListener('abort', stop);
    try {
      const result = await this.thread.ask({ type: 'aggregate', job, request });
      if (result === undefined) throw new Error('the thread has answered another order');
      return result;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  onModuleDestroy(): Promise<void> {
    return this.thread.terminate();
  }
}
