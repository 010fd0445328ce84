import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { BlobSettings } from '../../platform/blobs/open-blob-bytes.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { CoordinatorConfig } from '../../platform/config/coordinator-config.js';
import { StandingThread } from '../../platform/threads/standing-thread.js';
import type { CheckOrder, UpdateCheck } from './check-messages.js';

/** Each keeps a file open. What is forgotten is checked from its first byte when it is whole. */
const MOST_BEGUN = 64;

/**
 * The thread that checks uploads while they arrive. What it knows of unfinished ones is in its memory only: if it dies, they
 * are checked from their first byte.
 */
@Injectable()
export class CheckThread implements OnModuleDestroy {
  private readonly thread: StandingThread<CheckOrder, void>;
  /** Uploads that the thread has begun to check, the oldest first. */
  private readonly begun = new Set<string>();

  constructor(@Inject(CONFIG) { s3 }: CoordinatorConfig) {
    this.thread = new StandingThread({
      title: 'the checking thread',
      url: new URL('./check-worker.js', import.meta.url),
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
  finish(check: UpdateCheck): Promise<void> {
    this.begun.delete(check.assignmentId);
    return this.thread.ask({ type: 'finish', check });
  }

  /** The upload is gone. */
  forget(assignmentId: string): void {
    if (this.begun.delete(assignmentId)) this.thread.tell({ type: 'forget', assignmentId });
  }

  onModuleDestroy(): Promise<void> {
    return this.thread.terminate();
  }
}
