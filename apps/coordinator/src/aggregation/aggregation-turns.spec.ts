import { describe, expect, it } from '@jest/globals';
import { AggregationTurns } from './aggregation-turns.js';

/** Work that lasts until it is told to end. */
function held(): { readonly work: () => Promise<void>; readonly end: () => void; readonly begun: () => boolean } {
  let end = (): void => undefined;
  let begun = false;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ((begun = true), ended), end: () => end(), begun: () => begun };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const always = new AbortController().signal;

describe('AggregationTurns', () => {
  it('lets two work at once and calls the next when one ends, or fails', async () => {
    const turns = new AggregationTurns();
    const [first, third] = [held(), held()];
    const working = turns.take({ owner: 'a', cost: 1 }, always, first.work);
    const failing = turns.take({ owner: 'b', cost: 1 }, always, () => Promise.reject(new Error('disk')));
    const last = turns.take({ owner: 'c', cost: 1 }, always, third.work);
    expect(third.begun()).toBe(false);
    await expect(failing).rejects.toThrow('disk');
    await settle();
    expect([third.begun(), turns.depth]).toEqual([true, 2]);
    first.end();
    third.end();
    await Promise.all([working, last]);
    expect(turns.depth).toBe(0);
  });

  it('lets small rounds pass large ones, however many of these wait', async () => {
    const turns = new AggregationTurns();
    const large = [held(), held(), held()];
    const working = large.map(({ work }) => turns.take({ owner: 'a', cost: 1e9 }, always, work));
    const small = held();
    const done = turns.take({ owner: 'a', cost: 1e6 }, always, small.work);
    await settle();
    expect([...large, small].map(({ begun }) => begun())).toEqual([true, true, false, true]);
    for (const { end } of [...large, small]) end();
    await Promise.all([...working, done]);
    expect(turns.depth).toBe(0);
  });

  it('does not begin what was stopped while it waited', async () => {
    const turns = new AggregationTurns();
    const [first, second, third] = [held(), held(), held()];
    const working = [first, second].map(({ work }) => turns.take({ owner: 'a', cost: 1 }, always, work));
    const stopping = new AbortController();
    const stopped = turns.take({ owner: 'b', cost: 1 }, stopping.signal, third.work);
    stopping.abort(new Error('cancelled'));
    await expect(stopped).rejects.toThrow('cancelled');
    first.end();
    second.end();
    await Promise.all(working);
    expect([third.begun(), turns.depth]).toEqual([false, 0]);
  });
});
