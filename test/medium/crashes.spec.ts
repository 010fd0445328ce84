import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { roundViewSchema, type AssignmentOffer } from '@tributary/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases, type OpenDatabases } from './support/databases.js';
import { answerAtOnce } from './support/fake-site.js';

jest.setTimeout(180_000);

describe.each(databaseCases())('a coordinator that is killed, on $name', (databaseCase) => {
  let database: OpenDatabases;
  let consortium: Consortium;

  beforeAll(async () => {
    database = await databaseCase.open();
  });
  beforeEach(async () => {
    consortium = await Consortium.create(database.fresh());
  });
  afterEach(async () => {
    await consortium.close();
  });
  afterAll(() => database.close());

  const finalWeights = async (runId: string): Promise<string | undefined> => {
    const { release } = await consortium.until(runId, ({ state }) => state === 'completed', 120_000);
    return release?.weights.sha256;
  };

  it('finishes the run with the bytes of an undisturbed one, each update counted once', async () => {
    // No deadline may close a round with two updates on a slow machine.
    const recipe = buildRecipe({ count: 4, quorum: 3, deadlineSeconds: 600 });
    const undisturbed = await finalWeights(await consortium.createRun(recipe));

    const runId = await consortium.createRun(recipe);
    for (const pauseMs of [250, 900]) {
      await sleep(pauseMs);
      await consortium.coordinator.kill();
      await consortium.coordinator.start();
    }

    expect(await finalWeights(runId)).toBe(undisturbed);
    const rounds = await consortium.coordinator.admin.get(`/v1/runs/${runId}/rounds`, z.array(roundViewSchema));
    expect(rounds.filter(({ kind }) => kind === 'train').map(({ n, answered }) => ({ n, answered }))).toEqual(
      Array.from({ length: 4 }, (_, index) => ({ n: index + 1, answered: 3 })),
    );
    const events = await consortium.events(runId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const { ok } = await consortium.coordinator.admin.get('/v1/audit/verify', z.object({ ok: z.boolean() }));
    expect(ok).toBe(true);
  });

  it('keeps an acknowledged update over the kill', async () => {
    const held: AssignmentOffer[] = [];
    const [first, ...others] = consortium.sites;
    for (const site of others) site.behaviour = (_, offer) => Promise.resolve(void held.push(offer));
    const runId = await consortium.createRun(buildRecipe({ count: 1 }));
    await consortium.until(runId, ({ assignments }) => assignments.some(({ state }) => state === 'received'));

    await consortium.coordinator.kill();
    await consortium.coordinator.start();

    const { assignments } = await consortium.run(runId);
    expect(assignments.find(({ siteId }) => siteId === first?.id)?.state).toBe('received');
    for (const site of others) {
      site.behaviour = answerAtOnce;
      await site.authenticate();
      for (const offer of held.filter(({ assignmentId }) => assignmentId.endsWith(site.id))) {
        await site.upload(offer.assignmentId, await site.result(offer));
      }
    }
    await consortium.until(runId, ({ roundsDone }) => roundsDone === 1);
  });
});
