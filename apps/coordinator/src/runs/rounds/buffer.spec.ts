import { describe, expect, it } from '@jest/globals';
import type { AssignmentState } from '@tributary/protocol';
import { idleSites, overdue, stalenessOf } from './buffer.js';
import { buildAssignment, buildRound } from './round.spec-support.js';

/** Round 3 of an asynchronous run: it makes version 3 of version 2. */
function round(parts: [siteId: string, baseVersion: number, state: AssignmentState][], attempt = 0) {
  const assignments = parts.map(([siteId, baseVersion, state]) => buildAssignment(state, { siteId, baseVersion }));
  return buildRound('collecting', assignments, { n: 3, attempt });
}
const SITES = ['site-a', 'site-b'];

describe('the sites of an asynchronous run that have nothing to do', () => {
  it('are those that sent an update of an older version, or none', () => {
    expect(idleSites(SITES, round([['site-a', 0, 'received']]))).toEqual([
      { siteId: 'site-a', offers: 0 },
      { siteId: 'site-b', offers: 0 },
    ]);
  });

  it('are not those that train, nor those that wait for the next version', () => {
    const busy = round([
      ['site-a', 1, 'training'],
      ['site-b', 2, 'received'],
    ]);
    expect(idleSites(SITES, busy)).toEqual([]);
  });

  it('are asked again when their time ran out, and after a refusal only at the next attempt', () => {
    const parts: Parameters<typeof round>[0] = [
      ['site-a', 2, 'expired'],
      ['site-b', 2, 'declined'],
    ];
    expect(idleSites(SITES, round(parts))).toEqual([{ siteId: 'site-a', offers: 1 }]);
    expect(idleSites(SITES, round(parts, 1)).map(({ siteId }) => siteId)).toEqual(SITES);
  });
});

describe('an update in a buffer', () => {
  it('is as stale as versions were published since it began', () => {
    expect([2, 1, 0].map((baseVersion) => stalenessOf({ n: 3 }, { baseVersion }))).toEqual([0, 1, 2]);
  });

  it('is overdue when its own time is up', () => {
    const at = (iso: string) => ({ deadlineAt: new Date(iso) });
    const assignments = [
      buildAssignment('training', { siteId: 'site-a', ...at('2026-03-01T11:00:00Z') }),
      buildAssignment('training', { siteId: 'site-b', ...at('2026-03-01T13:00:00Z') }),
      buildAssignment('received', { siteId: 'site-c', ...at('2026-03-01T11:00:00Z') }),
    ];
    const late = overdue(buildRound('collecting', assignments), new Date('2026-03-01T12:00:00Z'));
    expect(late.map(({ siteId }) => siteId)).toEqual(['site-a']);
  });
});
