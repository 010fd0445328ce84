import { describe, expect, it } from '@jest/globals';
import { TaskQueue } from './task-queue.js';

const task = (id: string) => ({ type: 'task' as const, folder: `/data/runs/run-12345678/${id}` });

describe('TaskQueue', () => {
  it('hands tasks out in the order in which they came', async () => {
    const queue = new TaskQueue();
    queue.command(task('first'));
    queue.command(task('second'));
    expect((await queue.next())?.folder).toMatch(/first$/);
    expect((await queue.next())?.folder).toMatch(/second$/);
  });

  it('wakes up for a task that comes later', async () => {
    const queue = new TaskQueue();
    const next = queue.next();
    queue.command(task('late'));
    expect((await next)?.folder).toMatch(/late$/);
  });

  it('interrupts the task in work when it is cancelled, and drops one that waits', async () => {
    const queue = new TaskQueue();
    for (const id of ['first', 'second', 'third']) queue.command(task(id));
    const first = await queue.next();
    queue.command({ type: 'cancel', assignmentId: 'second' });
    expect(first?.signal.aborted).toBe(false);
    queue.command({ type: 'cancel', assignmentId: 'first' });
    expect(first?.signal.reason).toMatchObject({ code: 'INTERRUPTED' });
    expect((await queue.next())?.folder).toMatch(/third$/);
  });

  it('ends when it is told to stop, and interrupts the task in work', async () => {
    const queue = new TaskQueue();
    queue.command(task('first'));
    queue.command(task('second'));
    const first = await queue.next();
    queue.command({ type: 'stop' });
    expect(first?.signal.aborted).toBe(true);
    expect(await queue.next()).toBeUndefined();
  });
});
