import { describe, expect, it } from '@jest/globals';
import type { RunEvent } from '@tributary/protocol/http';
import { eventLine } from './event-line.js';

const base = { seq: 1, at: '2026-11-22T18:00:00Z', round: 7, siteId: null } as const;

describe('eventLine', () => {
  it.each<[RunEvent, string]>([
    [
      { ...base, kind: 'round.published', detail: { answered: 4, sites: 5, seconds: 38, loss: 0.0312 } },
      'Round 7 aggregated: 4 of 5 sites, 38 s, loss 0.0312',
    ],
    [
      { ...base, kind: 'round.published', detail: { answered: 4, bytesUp: 1e6, plainBytesUp: 3.9e6 } },
      'Round 7 aggregated: 4 sites, 1.0 MB (3.9 times smaller) sent',
    ],
    [
      {
        ...base,
        kind: 'round.published',
        detail: { bytesUp: 1e6, plainBytesUp: 1e6, bytesDown: 2e6, plainBytesDown: 5e6 },
      },
      'Round 7 aggregated: 1.0 MB sent, 2.0 MB (2.5 times smaller) fetched',
    ],
    [{ ...base, kind: 'round.opened', detail: { attempt: 0, kind: 'train', sites: 5 } }, 'Round 7 opened'],
    [{ ...base, kind: 'round.opened', detail: { attempt: 2, kind: 'train' } }, 'Round 7 opened, attempt 3'],
    [{ ...base, kind: 'round.opened', detail: { attempt: 0, kind: 'evaluate' } }, 'Evaluation opened'],
    [{ ...base, kind: 'round.abandoned', detail: { reason: 'quorum not met' } }, 'Round 7 abandoned (quorum not met)'],
    [
      { ...base, kind: 'assignment.state', siteId: 'site-b', detail: { state: 'declined', code: 'POLICY_DECLINED' } },
      'site-b in round 7: declined (POLICY_DECLINED)',
    ],
    [{ ...base, kind: 'run.state', round: null, detail: { state: 'paused' } }, 'Run is paused'],
  ])('tells %j', (event, line) => {
    expect(eventLine(event)).toBe(line);
  });
});
