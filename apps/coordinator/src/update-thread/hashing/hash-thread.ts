import type { HashFile } from '@tributary/federation';
import { StandingThread } from '../../platform/threads/standing-thread.js';
import { GrowingHash } from './growing-hash.js';
import type { HashOrder } from './hash-messages.js';

/** Hashing as much takes some 10 ms, and the thread 11 MiB of memory: a smaller file is hashed without it, while it is flushed. */
const THREAD_FROM_BYTES = 16 * 1024 * 1024;

/**
 * Hashes files in a thread of its own while they are written: SHA-256 takes as long as all the arithmetic of a round. The
 * thread reads them back from the system's cache. It is started by the first file of 16 MiB or more.
 */
export class HashThread {
  private readonly thread = new StandingThread<HashOrder, string>({
    title: 'the hashing thread',
    url: new URL('./hash-worker.js', import.meta.url),
    settings: {},
  });

  readonly hashFile: HashFile = (path) => {
    let sizeBytes = 0;
    let isToldToThread = false;
    return {
      written: (_bytes, grownTo) => {
        sizeBytes = grownTo;
        if (sizeBytes < THREAD_FROM_BYTES) return;
        isToldToThread = true;
        this.thread.tell({ type: 'written', path, sizeBytes });
      },
      digest: () => {
        if (!isToldToThread) return new GrowingHash(path).digest(sizeBytes);
        isToldToThread = false;
        return this.thread.ask({ type: 'digest', path, sizeBytes });
      },
      discard: () => {
        if (isToldToThread) this.thread.tell({ type: 'discard', path, sizeBytes });
        isToldToThread = false;
      },
    };
  };

  terminate(): Promise<void> {
    return this.thread.terminate();
  }
}
