import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue, type QueuedWork } from './fair-queue.js';

function drain(queue: FairQueue<QueuedWork>): string[] {
  const owners: string[] = [];
  for (let work = queue.next(); work !== undefined; work = queue.next()) owners.push(work.owner);
  return owners;
}

describe('FairQueue', () => {
  it('serves one owner in the order of arrival', () => {
    const queue = new FairQueue<QueuedWork & { name: string }>();
    for (const name of ['first', 'second', 'third']) queue.add({ owner: 'a', cost: 1, name });
    expect([queue.next()?.name, queue.next()?.name, queue.next()?.name]).toEqual(['first', 'second', 'third']);
    expect(queue.next()).toBeUndefined();
  });

  it('lets a newcomer pass the backlog of a busy owner', () => {
    const queue = new FairQueue();
    for (let i = 0; i < 5; i++) queue.add({ owner: 'busy', cost: 10 });
    expect(queue.next()?.owner).toBe('busy');
    queue.add({ owner: 'newcomer', cost: 1 });
    expect(queue.next()?.owner).toBe('newcomer');
  });

  it('gives owners of small and of large work the same amount, not the same number of turns', () => {
    const queue = new FairQueue();
    for (let i = 0; i < 4; i++) queue.add({ owner: 'large', cost: 4 });
    for (let i = 0; i < 16; i++) queue.add({ owner: 'small', cost: 1 });
    const served = drain(queue);
    // By the time when "large" has had 3 of its 4, "small" has had about 8 of its 16.
    const third = served.map((owner, index) => (owner === 'large' ? index : -1)).filter((index) => index >= 0)[2] ?? -1;
    const small = served.slice(0, third).filter((owner) => owner === 'small').length;
    expect(Math.abs(small - 8)).toBeLessThanOrEqual(1);
  });

  it('serves everything once, and keeps backlogged owners within one piece of work of each other', () => {
    const pieces = fc.array(fc.record({ owner: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 9 }) }));
    fc.assert(
      fc.property(pieces, (works) => {
        const queue = new FairQueue();
        for (const work of works) queue.add(work);
        const left = new Map<string, number>();
        const given = new Map<string, number>();
        for (const { owner } of works) left.set(owner, (left.get(owner) ?? 0) + 1);
        let served = 0;
        for (let work = queue.next(); work !== undefined; work = queue.next()) {
          served++;
          left.set(work.owner, (left.get(work.owner) ?? 0) - 1);
          given.set(work.owner, (given.get(work.owner) ?? 0) + work.cost);
          const backlogged = [...left].filter(([, count]) => count > 0).map(([owner]) => given.get(owner) ?? 0);
          // Theorem 1 of the paper: the difference is at most the two largest pieces.
          if (backlogged.length > 1) expect(Math.max(...backlogged) - Math.min(...backlogged)).toBeLessThanOrEqual(18);
        }
        expect(served).toBe(works.length);
      }),
    );
  });

  it('forgets work that is taken back', () => {
    const queue = new FairQueue();
    const work = { owner: 'a', cost: 1 };
    queue.add(work);
    queue.remove(work);
    expect([queue.size, queue.next()]).toEqual([0, undefined]);
  });
});
