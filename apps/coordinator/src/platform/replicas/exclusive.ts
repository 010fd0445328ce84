import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ReplicaLocks } from './replica-locks.js';

const LOOK_AGAIN_MS = 50;

/** Does pieces of work of one name one after the other, over all replicas. */
@Injectable()
export class Exclusive {
  /** The last that was begun here, by name. */
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(private readonly locks: ReplicaLocks) {}

  /** @param work Is told whether it had to wait: what it knew before may be stale then. */
  async run<T>(name: string, work: (hasWaited: boolean) => Promise<T>): Promise<T> {
    const before = this.last.get(name);
    const done = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.amongReplicas(name, { hasWaited: before !== undefined, work }));
    this.last.set(name, done);
    try {
      return await done;
    } finally {
      if (this.last.get(name) === done) this.last.delete(name);
    }
  }

  private async amongReplicas<T>(
    name: string,
    { hasWaited, work }: { hasWaited: boolean; work: (hasWaited: boolean) => Promise<T> },
  ): Promise<T> {
    let waited = hasWaited;
    while (!(await this.locks.tryTake(name))) {
      waited = true;
      await sleep(LOOK_AGAIN_MS);
    }
    try {
      return await work(waited);
    } finally {
      await this.locks.release(name);
    }
  }
}
