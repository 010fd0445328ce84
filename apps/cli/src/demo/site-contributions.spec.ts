import { describe, expect, it } from '@jest/globals';
import type { RunEvent } from '@tributary/protocol/http';
import { bytesSentBy, contributionsIn } from './site-contributions.js';

function received(siteId: string, round: number, detail: RunEvent['detail']): RunEvent {
  return { seq: round, at: '2026-11-22T18:00:00Z', kind: 'assignment.state', round, siteId, detail };
}

describe('contributions of the sites', () => {
  const events = [
    received('site-a', 1, { state: 'accepted' }),
    received('site-a', 1, { state: 'received', images: 512, loss: 0.5, bytes: 700 }),
    received('site-b', 1, { state: 'received', images: 512, loss: 0.7, bytes: 700 }),
    received('site-a', 2, { state: 'received', bytes: 40 }),
  ];

  it('are what was received, with the loss of training rounds', () => {
    expect(contributionsIn(events)).toEqual([
      { siteId: 'site-a', round: 1, bytes: 700, loss: 0.5 },
      { siteId: 'site-b', round: 1, bytes: 700, loss: 0.7 },
      { siteId: 'site-a', round: 2, bytes: 40, loss: null },
    ]);
  });

  it('add up to what a site has sent, the evaluation included', () => {
    expect(bytesSentBy('site-a', contributionsIn(events))).toBe(740);
    expect(bytesSentBy('site-c', contributionsIn(events))).toBe(0);
  });
});
