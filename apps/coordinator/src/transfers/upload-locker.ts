import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryLocker, type Lock, type Locker, type RequestRelease } from '@tus/server';
import { TributaryError } from '@tributary/protocol';
import type { ReplicaLocks } from '../platform/replicas/replica-locks.js';

const ASK_AGAIN_MS = 100;
const GIVE_UP_MS = 30_000;

/**
 * Lets one request write to an upload at a time, over all replicas. Whoever comes asks the holder to stop: a site that
 * comes back after its connection broke does not wait for the broken one, whichever replica it was connected to.
 */
export class UploadLocker implements Locker {
  private readonly here = new MemoryLocker({ acquireLockTimeout: GIVE_UP_MS });
  private readonly holders = new Map<string, RequestRelease>();

  constructor(private readonly locks: ReplicaLocks) {
    locks.onWanted((name) => {
      const wanted = name === null ? [...this.holders.values()] : [this.holders.get(name)];
      for (const release of wanted) void release?.();
    });
  }

  newLock(id: string): Lock {
    const here = this.here.newLock(id);
    return {
      lock: async (signal, requestRelease) => {
        await here.lock(signal, requestRelease);
        try {
          await this.take(id, signal);
          this.holders.set(id, requestRelease);
        } catch (error) {
          await here.unlock();
          throw error;
        }
      },
      unlock: async () => {
        this.holders.delete(id);
        await this.locks.release(id).finally(() => here.unlock());
      },
    };
  }

  /** @throws TributaryError UPLOAD_LOCKED when the holder does not stop in time, or the request has ended. */
  private async take(id: string, signal: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (!(await this.locks.tryTake(id))) {
      if (signal.aborted || performance.now() > giveUpAt) throw new TributaryError('UPLOAD_LOCKED');
      await this.locks.ask(id);
      await sleep(ASK_AGAIN_MS);
    }
  }
}
