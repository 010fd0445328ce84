import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Exclusive } from './exclusive.js';
import { LonelyLocks } from './replica-locks.js';

/** The locks of one replica of several: those of `taken` are with another. */
class SharedLocks extends LonelyLocks {
  constructor(private readonly taken: Set<string>) {
    super();
  }

  override tryTake(name = ''): Promise<boolean> {
    if (this.taken.has(name)) return Promise.resolve(false);
    this.taken.add(name);
    return Promise.resolve(true);
  }

  override release(name = ''): Promise<void> {
    this.taken.delete(name);
    return Promise.resolve();
  }
}

describe('exclusive work', () => {
  const taken = new Set<string>();
  const [first, second] = [new Exclusive(new SharedLocks(taken)), new Exclusive(new SharedLocks(taken))];

  it('of one name is done one after the other, over all replicas, also after a failure', async () => {
    let running = 0;
    const waits: boolean[] = [];
    const work = async (hasWaited: boolean): Promise<void> => {
      expect(++running).toBe(1);
      await sleep(5);
      running--;
      waits.push(hasWaited);
      if (waits.length === 2) throw new Error('failed');
    };
    const all = [first, second, first, second].map((replica) => replica.run('upload', work));
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(waits).toEqual([false, true, true, true]);
    expect(taken.size).toBe(0);
  });

  it('of different names is done at the same time', async () => {
    const order: string[] = [];
    await Promise.all(
      ['slow', 'quick'].map((name) =>
        first.run(name, async () => {
          if (name === 'slow') await sleep(20);
          order.push(name);
        }),
      ),
    );
    expect(order).toEqual(['quick', 'slow']);
  });
});
