import { describe, expect, it } from '@jest/globals';
import type { RoundView } from '@tributary/protocol/http';
import { runStages } from './run-stages.js';

function round(n: number, kind: RoundView['kind'], openedAt: string): RoundView {
  return {
    n,
    attempt: 0,
    kind,
    state: 'published',
    openedAt,
    deadlineAt: '2026-11-22T19:00:00Z',
    closedAt: null,
    reason: null,
    answered: 3,
    declined: 0,
    loss: 0.5,
    seconds: 1,
    bytesUp: 700,
    plainBytesUp: 700,
    bytesDown: 900,
    plainBytesDown: 900,
    timings: null,
  };
}

describe('runStages', () => {
  it('divides the run at its first training round and its evaluation', () => {
    const run = { createdAt: '2026-11-22T18:00:00Z', endedAt: '2026-11-22T18:03:20Z' };
    const rounds = [
      round(1, 'train', '2026-11-22T18:00:04Z'),
      round(2, 'train', '2026-11-22T18:01:00Z'),
      round(3, 'evaluate', '2026-11-22T18:02:50Z'),
    ];
    expect(runStages(run, rounds).map(({ seconds }) => seconds)).toEqual([4, 166, 30]);
  });
});
