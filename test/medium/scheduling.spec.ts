import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  invitationResponseSchema,
  runViewSchema,
  siteSchema,
  studySchema,
  type AssignmentOffer,
} from '@tributary/protocol';
import { buildRecipe, CLASSES } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { answerAtOnce, FakeSite } from './support/fake-site.js';

jest.setTimeout(240_000);

const LONG_RUN_ROUNDS = 200;

describe.each(databaseCases())('several runs at once, on $name', (databaseCase) => {
  let consortium: Consortium;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-scheduling-'));
    consortium = await Consortium.on(databaseCase, { environment: { TRIBUTARY_BLOB_DIR: folder } });
  });
  afterEach(() => {
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
  });
  afterAll(async () => {
    await consortium.close();
    rmSync(folder, { recursive: true });
  });

  const cancel = (runId: string) => consortium.coordinator.admin.post(`/v1/runs/${runId}/cancel`, runViewSchema);

  /** Another study, with sites of its own. */
  async function otherStudy(): Promise<string> {
    const { admin, url } = consortium.coordinator;
    const study = { id: 'knees', title: 'Knees', modality: 'MR', classes: CLASSES, image: { sizePx: 16, channels: 1 } };
    await admin.post('/v1/studies', studySchema, { ...study, scarceClasses: ['base-lesion'] });
    for (const siteId of ['site-k', 'site-l']) {
      const site = new FakeSite(siteId, url);
      const invitation = await admin.post('/v1/studies/knees/invitations', invitationResponseSchema, { siteId });
      const { fingerprint } = await site.enrol(invitation.token);
      await admin.post(`/v1/sites/${siteId}/approve`, siteSchema, { fingerprint });
      await site.connect();
      consortium.sites.push(site);
    }
    return study.id;
  }

  it('of one study and of another: short ones end while a long one goes on, and it goes on meanwhile', async () => {
    const studyId = await otherStudy();
    const long = await consortium.createRun(buildRecipe({ count: LONG_RUN_ROUNDS }));
    await consortium.until(long, ({ roundsDone }) => roundsDone >= 2);
    const before = (await consortium.run(long)).roundsDone;
    const same = await consortium.createRun({ ...buildRecipe({ count: 3 }), seed: 8 });
    const request = { studyId, recipe: { ...buildRecipe({ count: 3 }), seed: 9 } };
    const other = await consortium.coordinator.admin.post('/v1/runs', runViewSchema, request);
    for (const runId of [same, other.id]) await consortium.until(runId, ({ state }) => state === 'completed');
    const after = await consortium.run(long);
    expect([after.state, after.roundsDone > before]).toEqual(['running', true]);
    await cancel(long);
    const metrics = await (await consortium.coordinator.admin.fetch('/metrics')).text();
    for (const line of [
      'tributary_runs{state="cancelled"} 1',
      'tributary_runs{state="completed"} 2',
      'tributary_runs{state="paused"} 0',
      'tributary_sites{stage="training"} 0',
      'tributary_sites_connected 5',
    ]) {
      expect(metrics.split('\n')).toContain(line);
    }
    expect(metrics).toMatch(/^tributary_download_bytes_total [1-9]/m);
  });

  it('are not held up by one whose aggregation fails, which goes on when the fault is mended', async () => {
    const waiting: AssignmentOffer[] = [];
    const hold = (site: FakeSite, offer: AssignmentOffer): Promise<void> => {
      if (site.id !== 'site-c' || offer.kind !== 'train') return answerAtOnce(site, offer);
      waiting.push(offer);
      return Promise.resolve();
    };
    for (const site of consortium.sites) site.behaviour = hold;
    const broken = await consortium.createRun({ ...buildRecipe({ count: 1, quorum: 3 }), seed: 21 });
    await consortium.until(broken, ({ currentRound }) => currentRound?.answered === 2);
    // The disk loses the weights that the round starts from, after every site has them.
    const [offer] = waiting;
    const site = consortium.sites.find(({ id }) => id === 'site-c');
    if (offer?.kind !== 'train' || site === undefined) throw new Error('nothing was offered');
    const result = await site.result(offer);
    const path = join(folder, offer.weights.sha256.slice(0, 2), offer.weights.sha256);
    const weights = readFileSync(path);
    rmSync(path);
    await site.answer(offer.assignmentId, 'accept');
    expect((await site.upload(offer.assignmentId, result)).status).toBe(201);
    const failing = await consortium.until(broken, ({ problem }) => problem !== null);
    expect([failing.state, failing.currentRound?.state]).toEqual(['running', 'aggregating']);
    expect(failing.problem?.remedy).not.toBe('');

    for (const each of consortium.sites) each.behaviour = answerAtOnce;
    const healthy = await consortium.createRun({ ...buildRecipe({ count: 3 }), seed: 22 });
    await consortium.until(healthy, ({ state }) => state === 'completed');
    expect((await consortium.run(broken)).currentRound?.state).toBe('aggregating');

    writeFileSync(path, weights);
    const mended = await consortium.until(broken, ({ state }) => state === 'completed');
    expect(mended.problem).toBeNull();
  });

  it('wait for the training hours of their sites, say for whose and until when, and begin when these are changed', async () => {
    const hours = (trainingHours: unknown) =>
      Promise.all(
        ['site-a', 'site-b', 'site-c'].map((id) =>
          consortium.coordinator.admin.post(`/v1/sites/${id}/training-hours`, siteSchema, { trainingHours }),
        ),
      );
    const hour = new Date().getUTCHours();
    const clock = (offset: number): string => `${String((hour + offset) % 24).padStart(2, '0')}:00`;
    await hours({ from: clock(6), until: clock(8), timeZone: 'UTC' });
    const runId = await consortium.createRun({ ...buildRecipe({ count: 1 }), seed: 31 });
    const waiting = await consortium.until(runId, ({ waitingFor }) => waitingFor?.includes('training hours') === true);
    expect(waiting).toMatchObject({ state: 'running', roundsDone: 0, currentRound: null });
    expect(waiting.waitingFor).toContain(`site-a (from ${clock(6)} UTC)`);
    expect(new Date(waiting.waitingUntil ?? '').getUTCHours()).toBe((hour + 6) % 24);

    await hours(null);
    await consortium.until(runId, ({ state }) => state === 'completed');
    expect(JSON.stringify(await consortium.events(runId))).not.toContain('round.abandoned');
  });
});
