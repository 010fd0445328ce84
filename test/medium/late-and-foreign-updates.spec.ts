import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AssignmentOffer } from '@tributary/protocol';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { buildUpdate, type BuiltResult } from '../factories/update.js';
import { jsonBody } from './support/api.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { answerAtOnce, stayAway, type FakeSite } from './support/fake-site.js';

jest.setTimeout(240_000);

const auditSchema = z.array(
  z.object({ action: z.string(), actor: z.string(), detail: z.record(z.string(), z.unknown()) }),
);
const DEADLINE_SECONDS = 10;
const BEGUN_BYTES = 1000;

describe.each(databaseCases())('a run whose rounds go on, on $name', (databaseCase) => {
  let consortium: Consortium;
  let runId: string;
  /** What the site that never ends its upload was asked to do in the first round. */
  let unanswered: { offer: AssignmentOffer; result: BuiltResult };
  const held: [FakeSite, AssignmentOffer][] = [];

  const codeOf = async (response: Response) => z.object({ code: z.string() }).parse(await response.json()).code;
  const audited = async (actor: string, code: string) => {
    const entries = await consortium.coordinator.admin.get('/v1/audit?limit=1000', auditSchema);
    return entries.some((entry) => entry.actor === actor && entry.detail.code === code);
  };

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
    // The second round is held open, so that there is one to be harmed.
    const holdSecond = async (site: FakeSite, offer: AssignmentOffer): Promise<void> => {
      if (offer.round !== 2) return answerAtOnce(site, offer);
      held.push([site, offer]);
    };
    for (const site of consortium.sites) site.behaviour = holdSecond;
    consortium.site('site-c').behaviour = async (site, offer) => {
      if (offer.round !== 1) return;
      unanswered = { offer, result: await site.result(offer) };
      await site.answer(offer.assignmentId, 'accept');
      await site.upload(offer.assignmentId, unanswered.result, unanswered.result.bytes.subarray(0, BEGUN_BYTES));
    };
    runId = await consortium.createRun(buildRecipe({ count: 2, deadlineSeconds: DEADLINE_SECONDS, maxAttempts: 20 }));
  });
  afterAll(async () => {
    await consortium.close();
  });

  it('does not wait for an upload that never ends: the deadline closes the round with the others', async () => {
    const { currentRound } = await consortium.until(runId, ({ roundsDone }) => roundsDone === 1);
    const events = await consortium.events(runId);
    const published = events.find(({ kind }) => kind === 'round.published');
    expect(published?.detail).toMatchObject({ sites: 3, answered: 2 });
    expect(Number(published?.detail['seconds'])).toBeGreaterThanOrEqual(DEADLINE_SECONDS);
    const ended = events.find(({ siteId, detail }) => siteId === 'site-c' && detail['state'] === 'expired');
    expect(ended?.round).toBe(1);
    expect(currentRound?.n).toBe(2);
  });

  it('refuses the rest of it, and a new update for the round that is past', async () => {
    const { offer, result } = unanswered;
    const site = consortium.site('site-c');
    const rest = await site.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': String(BEGUN_BYTES),
        'content-type': 'application/offset+octet-stream',
      },
      body: new Uint8Array(result.bytes.subarray(BEGUN_BYTES)),
    });
    expect(await codeOf(rest)).toBe('ASSIGNMENT_CLOSED');
    expect(await codeOf(await site.upload(offer.assignmentId, result))).toBe('ASSIGNMENT_CLOSED');
    expect(await audited('site-c', 'ASSIGNMENT_CLOSED')).toBe(true);
    expect(consortium.coordinator.log()).toContain('ASSIGNMENT_CLOSED');
  });

  it('refuses an update of the round before from a site that has answered it: the first counts', async () => {
    const site = consortium.site('site-a');
    const past = unanswered.offer.assignmentId.replace('site-c', site.id);
    const other = buildUpdate(await site.globalWeights(unanswered.offer), 'other');
    expect(await codeOf(await site.upload(past, other))).toBe('UPDATE_CONFLICT');
    expect(await audited(site.id, 'UPDATE_CONFLICT')).toBe(true);
  });

  it('refuses a site of the study that has no part in it, under its own name and under that of another', async () => {
    const site = await consortium.addSite('site-late');
    site.behaviour = stayAway;
    const [first] = held;
    if (first === undefined) throw new Error('the second round was offered to nobody');
    const [, offer] = first;
    const update = buildUpdate(await consortium.site('site-a').globalWeights(offer), site.id);
    const own = offer.assignmentId.replace(/site-[a-z]+$/, site.id);
    expect(await codeOf(await site.upload(own, update))).toBe('NOT_FOUND');
    expect(await codeOf(await site.upload(offer.assignmentId, update))).toBe('ASSIGNMENT_NOT_YOURS');
    for (const code of ['NOT_FOUND', 'ASSIGNMENT_NOT_YOURS']) expect(await audited(site.id, code)).toBe(true);
  });

  it('finishes unharmed, with the updates of the two sites that answered', async () => {
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    for (const [site, offer] of held) await answerAtOnce(site, offer).catch(() => undefined);
    await consortium.until(runId, ({ state }) => state === 'completed');
    const rounds = (await consortium.events(runId)).filter(({ kind }) => kind === 'round.published');
    expect(rounds.map(({ round }) => round)).toEqual([1, 2]);
  });
});

describe.each(databaseCases())('a run that cannot be, on $name', (databaseCase) => {
  let consortium: Consortium;
  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase, { siteIds: ['site-a', 'site-b'] });
  });
  afterAll(async () => {
    await consortium.close();
  });

  it.each([
    ['a quorum larger than its study', 'QUORUM_LARGER_THAN_STUDY', { recipe: buildRecipe({ quorum: 3 }) }],
    [
      'a deadline in the past',
      'ROUND_DEADLINE_PAST',
      { recipe: buildRecipe(), approvalDeadlineAt: '2020-01-01T00:00:00Z' },
    ],
  ])('with %s: %s, in the log and the audit, and no run is made', async (...[, code, request]) => {
    const refusal = await consortium.coordinator.admin.refusal('/v1/runs', jsonBody({ studyId: 'brains', ...request }));
    expect(refusal.code).toBe(code);
    expect(consortium.coordinator.log()).toContain(code);
    const entries = await consortium.coordinator.admin.get('/v1/audit?limit=1000', auditSchema);
    expect(entries.filter(({ action, detail }) => action === 'request.refused' && detail.code === code)).toHaveLength(
      1,
    );
    expect(await consortium.coordinator.admin.get('/v1/runs', z.array(z.unknown()))).toEqual([]);
  });
});
