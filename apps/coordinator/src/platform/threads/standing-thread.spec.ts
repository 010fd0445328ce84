import { TributaryError } from '@tributary/protocol/errors';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { StandingThread } from './standing-thread.js';

/** Answers what it is told to; `die` ends it, `count` tells how many orders have come. */
const PROGRAM = `
import { parentPort, workerData } from 'node:worker_threads';
let count = 0;
parentPort.on('message', ({ order, id }) => {
  count++;
  if (order === 'die') process.exit(3);
  if (order === 'refuse') parentPort.postMessage({ id, type: 'refused', code: 'DISK_FULL', context: {} });
  else if (order === 'fail') parentPort.postMessage({ id, type: 'failed', message: 'no luck' });
  else if (id !== undefined) parentPort.postMessage({ id, type: 'done', result: workerData.greeting + order + count });
});`;

const onEnd = jest.fn();
const program = {
  title: 'the test thread',
  url: new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`),
  settings: { greeting: 'hello ' },
  onEnd,
};
const thread = new StandingThread<string, string>(program);
afterEach(() => thread.terminate());

describe('StandingThread', () => {
  it('answers each order with its own result, and goes on between them', async () => {
    thread.tell('quietly');
    expect(await Promise.all([thread.ask('a'), thread.ask('b')])).toEqual(['hello a2', 'hello b3']);
  });

  it('tells a refusal by its code and a failure by its message', async () => {
    const refusal: unknown = await thread.ask('refuse').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TributaryError);
    expect(refusal).toMatchObject({ code: 'DISK_FULL' });
    await expect(thread.ask('fail')).rejects.toThrow('no luck');
  });

  it('tells who waits that the service stops when it is ended', async () => {
    const stopped = new StandingThread<string, string>(program);
    const waiting = Promise.all([stopped.ask('a'), stopped.ask('b')]);
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'SERVICE_NOT_READY' }), stopped.terminate()]);
  });

  it('fails what is under way when the thread dies, and starts another for the next order', async () => {
    await thread.ask('a');
    onEnd.mockClear();
    await expect(Promise.all([thread.ask('die'), thread.ask('b')])).rejects.toThrow(
      'the test thread ended with exit code 3',
    );
    expect(onEnd).toHaveBeenCalledTimes(1);
    expect(await thread.ask('c')).toBe('hello c1');
  });
});
