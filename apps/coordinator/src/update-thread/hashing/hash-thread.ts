import type { HashFile } from '@tributary/federation';
import { StandingThread } from '../../platform/threads/standing-thread.js';
import type { HashOrder } from './hash-messages.js';

/**
 * Hashes files in a thread of its own while they are written: SHA-256 takes as long as all the arithmetic of a round. The
 * thread reads them back from the system's cache.
 */
export class HashThread {
  private readonly thread = new StandingThread<HashOrder, string>({
    title: 'the hashing thread',
    url: new URL('./hash-worker.js', import.meta.url),
    settings: {},
  });

  readonly hashFile: HashFile = (path) => {
    let sizeBytes = 0;
    let isOpen = true;
    return {
      written: (_bytes, grownTo) => {
        sizeBytes = grownTo;
        this.thread.tell({ type: 'written', path, sizeBytes });
      },
      digest: () => {
        isOpen = false;
        return this.thread.ask({ type: 'digest', path, sizeBytes });
      },
      discard: () => {
        if (isOpen) this.thread.tell({ type: 'discard', path, sizeBytes });
        isOpen = false;
      },
    };
  };

  terminate(): Promise<void> {
    return this.thread.terminate();
  }
}
