import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readLineage, releaseSchema, strategySchema, type AssignmentOffer, type Recipe } from '@tributary/protocol';
import { decodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { answerAtOnce, stayAway, type Behaviour, type FakeSite } from './support/fake-site.js';

jest.setTimeout(240_000);

const publishedSchema = z.object({
  action: z.string(),
  subject: z.string(),
  detail: z.looseObject({
    round: z.int().optional(),
    updates: z.array(z.object({ siteId: z.string(), sha256: z.string(), staleness: z.int() })).optional(),
  }),
});

/** Two updates make a version; everything is kept for the test to look at. */
function buildAsynchronousRecipe(count: number): Recipe {
  return {
    ...buildRecipe({ count, quorum: 2 }),
    strategy: strategySchema.parse({ kind: 'fedbuff', bufferSize: 2, ownedRows: false }),
    retention: { updateRounds: 1000, weightsEvery: 1 },
  };
}

const evaluatesOnly: Behaviour = (site, offer) =>
  offer.kind === 'evaluate' ? answerAtOnce(site, offer) : stayAway(site, offer);

describe.each(databaseCases())('an asynchronous run on $name', (databaseCase) => {
  let consortium: Consortium;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
  });
  afterAll(async () => {
    await consortium.close();
  });

  const floats = async (sha256: string): Promise<Float32Array> => {
    const bytes = await consortium.coordinator.admin.bytes(`/v1/blobs/${sha256}`);
    const { headerBytes } = decodeSafetensorsHeader(bytes);
    return new Float32Array(new Uint8Array(bytes.subarray(headerBytes)).buffer);
  };
  const published = async (runId: string) => {
    const entries = await consortium.coordinator.admin.get('/v1/audit?limit=1000', z.array(publishedSchema));
    return entries.filter(({ action, subject }) => action === 'round.published' && subject === runId);
  };

  it('never waits for a slow site, and counts its update by its staleness', async () => {
    let runId = '';
    consortium.site('site-c').behaviour = async (site, offer) => {
      if (offer.round === 1) await consortium.until(runId, ({ roundsDone }) => roundsDone >= 3);
      await answerAtOnce(site, offer);
    };
    runId = await consortium.createRun(buildAsynchronousRecipe(6));
    await consortium.until(runId, ({ state }) => state === 'completed');

    const rounds = (await published(runId)).map(({ detail }) => detail);
    expect(rounds.map(({ round, updates }) => [round, updates?.length])).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, 2]));
    const late = rounds.flatMap(({ updates }) => updates ?? []).filter(({ siteId }) => siteId === 'site-c');
    expect(late[0]?.staleness).toBeGreaterThanOrEqual(3);

    // Nguyen et al. 2022, algorithm 1: w' = w + (1/K) * sum of (1 + staleness)^(-1/2) * update.
    const release = await consortium.coordinator.admin.get(`/v1/releases/${runId}`, releaseSchema);
    const lineage = readLineage(release.lineage);
    const n = rounds.findIndex(({ updates }) => updates?.some(({ staleness }) => staleness > 0)) + 1;
    const before = await floats(lineage.rounds[n - 2]?.weightsSha256 ?? '');
    const after = await floats(lineage.rounds[n - 1]?.weightsSha256 ?? '');
    const expected = Float64Array.from(before);
    for (const { sha256, staleness } of rounds[n - 1]?.updates ?? []) {
      const update = await floats(sha256);
      update.forEach((value, index) => {
        expected[index] = (expected[index] ?? 0) + ((1 + staleness) ** -0.5 * value) / 2;
      });
    }
    const farthest = expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (after[i] ?? NaN))), 0);
    expect(farthest).toBeLessThan(1e-6);
  });

  it('gives the same bytes for the same order of updates, however often the coordinator is killed', async () => {
    for (const site of consortium.sites) site.behaviour = evaluatesOnly;
    const order = ['a', 'b', 'a', 'c', 'b', 'c', 'a', 'b'];
    const finalWeights = async (killsAfter: readonly number[]) => {
      const runId = await consortium.createRun(buildAsynchronousRecipe(order.length / 2));
      for (const [index, letter] of order.entries()) {
        await answerNext(consortium.site(`site-${letter}`), runId);
        if (killsAfter.includes(index)) {
          await consortium.coordinator.kill();
          await consortium.coordinator.start();
        }
        await consortium.until(runId, ({ roundsDone }) => roundsDone === Math.floor((index + 1) / 2));
      }
      return (await consortium.until(runId, ({ state }) => state === 'completed')).release?.weights.sha256;
    };
    const undisturbed = await finalWeights([]);
    expect(await finalWeights([2, 3, 5])).toBe(undisturbed);
  });

  it('gives up an attempt that nobody completes, keeps what has arrived, and pauses with the reason', async () => {
    for (const site of consortium.sites) {
      site.behaviour = (self, offer) =>
        offer.kind === 'evaluate' || self.id === 'site-a'
          ? answerAtOnce(self, offer)
          : self.answer(offer.assignmentId, 'decline', 'POLICY_DECLINED').then(() => undefined);
    }
    const recipe = buildAsynchronousRecipe(1);
    const runId = await consortium.createRun({ ...recipe, rounds: { ...recipe.rounds, maxAttempts: 2 } });
    const paused = await consortium.until(runId, ({ state }) => state === 'paused');
    expect(paused).toMatchObject({ pauseCause: 'attempts', problem: { code: 'ROUND_QUORUM_NOT_MET' } });
    expect(paused.assignments.filter(({ state }) => state === 'received').map(({ siteId }) => siteId)).toEqual([
      'site-a',
    ]);

    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    await consortium.coordinator.admin.fetch(`/v1/runs/${runId}/resume`, { method: 'POST' });
    await consortium.until(runId, ({ state }) => state === 'completed');
  });

  /** Uploads what a site makes of its open offer; waits for the offer when it has none yet. */
  async function answerNext(site: FakeSite, runId: string): Promise<void> {
    const offer = await openOffer(site, runId);
    const response = await site.upload(offer.assignmentId, await site.result(offer));
    if (!response.ok) throw new Error(await response.text());
  }

  async function openOffer(site: FakeSite, runId: string): Promise<AssignmentOffer> {
    for (let looks = 0; looks < 400; looks++) {
      const work = await site.openWork().catch(() => undefined);
      const offer = work?.assignments.find((assignment) => assignment.runId === runId);
      if (offer !== undefined) return offer;
      await sleep(50);
    }
    throw new Error(`${site.id} was offered nothing`);
  }
});
