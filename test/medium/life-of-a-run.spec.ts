import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { runViewSchema, siteSchema } from '@tributary/protocol';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { answerAtOnce, decline, stayAway } from './support/fake-site.js';

jest.setTimeout(120_000);

describe.each(databaseCases())('the life of a run on $name', (databaseCase) => {
  let consortium: Consortium;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
  });
  beforeEach(() => {
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
  });
  afterEach(() => {
    expect(consortium.sites.flatMap(({ failures }) => failures)).toEqual([]);
  });
  afterAll(async () => {
    await consortium.close();
  });

  const act = (runId: string, action: string) =>
    consortium.coordinator.admin.post(`/v1/runs/${runId}/${action}`, runViewSchema);

  it('goes on without a dead site at the deadline, and evaluates without it', async () => {
    const [, , dead] = consortium.sites;
    if (dead !== undefined) dead.behaviour = stayAway;
    const runId = await consortium.createRun(buildRecipe({ count: 1, deadlineSeconds: 3 }));
    const run = await consortium.until(runId, ({ state }) => state === 'completed');
    expect(run.evaluation?.heldOutImages).toBe(192);
    const events = await consortium.events(runId);
    expect(
      events.filter(({ detail }) => detail.state === 'expired').map(({ round, siteId }) => [round, siteId]),
    ).toEqual([
      [1, dead?.id],
      [2, dead?.id],
    ]);
  });

  it('tries a round without a quorum again, and pauses with the reason after the last attempt', async () => {
    for (const site of consortium.sites) site.behaviour = decline;
    const runId = await consortium.createRun(buildRecipe({ count: 1, maxAttempts: 2 }));
    const paused = await consortium.until(runId, ({ state }) => state === 'paused');
    expect(paused.problem?.code).toBe('ROUND_QUORUM_NOT_MET');
    expect([paused.pauseCause, (await act(runId, 'pause')).pauseCause]).toEqual(['attempts', 'admin']);
    expect((await act(runId, 'pause')).state).toBe('paused');
    const abandoned = (await consortium.events(runId)).filter(({ kind }) => kind === 'round.abandoned');
    expect(abandoned.map(({ detail }) => detail.attempt)).toEqual([0, 1]);

    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    await act(runId, 'resume');
    expect((await consortium.until(runId, ({ state }) => state === 'completed')).problem).toBeNull();
  });

  it('finishes the round in flight of a paused run, and opens the next when it is resumed', async () => {
    for (const site of consortium.sites) site.behaviour = stayAway;
    const runId = await consortium.createRun(buildRecipe({ count: 2 }));
    await consortium.until(runId, ({ state }) => state === 'running');
    expect((await act(runId, 'pause')).state).toBe('paused');
    for (const site of consortium.sites) {
      site.behaviour = answerAtOnce;
      const { assignments } = await site.openWork();
      for (const offer of assignments) await answerAtOnce(site, offer);
    }
    await consortium.until(runId, ({ roundsDone }) => roundsDone === 1);
    expect(await consortium.run(runId)).toMatchObject({ state: 'paused', waitingFor: 'an admin to resume the run' });
    await act(runId, 'resume');
    await consortium.until(runId, ({ state }) => state === 'completed');
  });

  it('tells each site the last of its updates that counted, whatever it trained in vain', async () => {
    const [diligent, second, late] = consortium.sites;
    const offered: (readonly [siteId: string, round: number, attempt: number, countedRound: number])[] = [];
    for (const site of consortium.sites) {
      site.behaviour = (self, offer) => {
        offered.push([self.id, offer.round, offer.attempt, offer.countedRound]);
        // The first attempt at round 1 has one update, which counts for nothing; the late site misses round 1 altogether.
        const isMissing = offer.round === 1 && (self === late || (self === second && offer.attempt === 0));
        return isMissing ? decline(self, offer) : answerAtOnce(self, offer);
      };
    }
    const runId = await consortium.createRun(buildRecipe({ count: 2, quorum: 2 }));
    await consortium.until(runId, ({ state }) => state === 'completed');

    const of = (siteId = '') => offered.filter(([id]) => id === siteId).map(([, ...facts]) => facts);
    expect(of(diligent?.id)).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [2, 0, 1],
      [3, 0, 2],
    ]);
    expect(of(late?.id)).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [2, 0, 0],
      [3, 0, 2],
    ]);
  });

  it('ends at once when it is cancelled, and cannot be resumed', async () => {
    for (const site of consortium.sites) site.behaviour = stayAway;
    const runId = await consortium.createRun(buildRecipe());
    await consortium.until(runId, ({ state }) => state === 'running');
    const cancelled = await act(runId, 'cancel');
    expect(cancelled.state).toBe('cancelled');
    expect(cancelled.assignments.map(({ state }) => state)).toEqual(['superseded', 'superseded', 'superseded']);
    const work = await consortium.sites[0]?.openWork();
    expect(work?.assignments).toEqual([]);
    expect(work?.endedRuns).toContain(runId);
    const refused = await consortium.coordinator.admin.refusal(`/v1/runs/${runId}/resume`, { method: 'POST' });
    expect(refused).toMatchObject({ status: 409, code: 'RUN_ILLEGAL_TRANSITION' });
  });

  it('releases a model without scores when no site evaluates', async () => {
    for (const site of consortium.sites) {
      site.behaviour = (self, offer) => (offer.kind === 'train' ? answerAtOnce(self, offer) : decline(self, offer));
    }
    const runId = await consortium.createRun(buildRecipe({ count: 1 }));
    const run = await consortium.until(runId, ({ state }) => state === 'completed');
    expect(run.evaluation).toBeNull();
    expect(run.release?.version).toBe(`${runId}/1`);
  });

  it('does not wait for a site that was revoked in the middle of a round', async () => {
    const gone = await consortium.addSite('site-gone');
    gone.behaviour = stayAway;
    const runId = await consortium.createRun(buildRecipe({ count: 1, quorum: 3, deadlineSeconds: 3600 }));
    await consortium.until(runId, ({ currentRound }) => currentRound?.answered === 3);
    gone.close();
    await consortium.coordinator.admin.post('/v1/sites/site-gone/revoke', siteSchema);
    await consortium.until(runId, ({ state }) => state === 'completed');
    const ended = (await consortium.events(runId)).filter(({ siteId, detail }) => siteId === gone.id && detail.code);
    expect(ended.map(({ detail }) => [detail.state, detail.code])).toEqual([['failed', 'SITE_REVOKED']]);
  });
});
