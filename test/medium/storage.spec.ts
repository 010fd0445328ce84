import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { modelVersionSchema, type AssignmentOffer } from '@tributary/protocol';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases, type OpenDatabases } from './support/databases.js';
import { answerAtOnce, type Behaviour } from './support/fake-site.js';
import { SmallDisk } from '../support/small-disk.js';

jest.setTimeout(240_000);

const DISK_BYTES = 64 * 1024 ** 2;
const RESERVE_BYTES = 1024 ** 2;
const PRUNED_AFTER_MS = 1000;
const TUS = { 'tus-resumable': '1.0.0' };
const disk = SmallDisk.mount(DISK_BYTES);

(disk === null ? describe.skip : describe).each(databaseCases())('a small disk, with $name', (databaseCase) => {
  let database: OpenDatabases;
  let consortium: Consortium;
  const small = (): SmallDisk => {
    if (disk === null) throw new Error('not mounted');
    return disk;
  };

  beforeAll(async () => {
    database = await databaseCase.open();
    consortium = await Consortium.create({
      ...database.fresh(),
      TRIBUTARY_BLOB_DIR: join(small().folder, databaseCase.name.replaceAll(' ', '-')),
      TRIBUTARY_DISK_RESERVE_BYTES: String(RESERVE_BYTES),
    });
  });
  afterEach(() => {
    small().empty();
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
  });
  afterAll(async () => {
    await consortium.close();
    database.close();
  });

  it('holds no more than the retention rule says after many rounds, and says what is gone', async () => {
    const folder = databaseCase.name.replaceAll(' ', '-');
    const runId = await consortium.createRun(buildRecipe({ count: 8 }));
    await consortium.until(runId, ({ state }) => state === 'completed');
    const versions = await prunedVersions(runId, 3);
    const kept = versions.filter(({ prunedAt }) => prunedAt === null);
    expect(kept.map(({ round }) => round)).toEqual([0, 1, 2, 5, 7, 8]);
    // No update and no evaluation is left, and nothing half-made.
    const named = [...new Set(kept.flatMap(({ weights, ema }) => [weights.sha256, ema.sha256]))].sort();
    const files = () =>
      small()
        .filesIn(folder)
        .filter((name) => name !== 'store-id');
    await consortium.until(runId, () => files().length <= named.length).catch(() => undefined);
    expect(files()).toEqual(named);
    for (const { ema } of kept) await consortium.coordinator.admin.bytes(`/v1/blobs/${ema.sha256}`);
    const [gone] = versions.filter(({ prunedAt }) => prunedAt !== null);
    const refusal = await consortium.coordinator.admin.refusal(`/v1/blobs/${gone?.weights.sha256 ?? ''}`);
    expect(refusal).toMatchObject({ status: 410, code: 'MODEL_VERSION_PRUNED' });
  });

  it('keeps a file that another run of the same seed still names', async () => {
    const recipe = buildRecipe({ count: 3 });
    const first = await consortium.createRun(recipe);
    await consortium.until(first, ({ state }) => state === 'completed');
    const second = await consortium.createRun({ ...recipe, retention: { updateRounds: 0, weightsEvery: 1 } });
    await consortium.until(second, ({ state }) => state === 'completed');
    for (const runId of [first, second]) {
      const versions = await consortium.coordinator.admin.get(`/v1/models?runId=${runId}`, z.array(modelVersionSchema));
      for (const { weights } of versions.filter(({ prunedAt }) => prunedAt === null)) {
        await consortium.coordinator.admin.bytes(`/v1/blobs/${weights.sha256}`);
      }
    }
  });

  it('pauses a run before a round that it has no room for, and goes on by itself when there is', async () => {
    const held: AssignmentOffer[] = [];
    for (const site of consortium.sites) site.behaviour = holdFirstRound(held);
    const runId = await consortium.createRun(buildRecipe({ count: 2 }));
    await consortium.until(runId, () => held.length === consortium.sites.length);
    await settled();
    // Room for the round in flight, three updates and a version of 51 kB a file, but not for the next one.
    small().fill(RESERVE_BYTES + 200_000);
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    await answerHeld(held);
    const paused = await consortium.until(
      runId,
      ({ state, pauseCause }) => state === 'paused' && pauseCause === 'storage',
    );
    expect(paused).toMatchObject({ roundsDone: 1, problem: { code: 'DISK_FULL', retryable: true } });
    const { neededBytes, freeBytes } = z
      .object({ neededBytes: z.number(), freeBytes: z.number() })
      .parse(paused.problem?.context);
    expect(neededBytes).toBeGreaterThan(freeBytes);

    small().empty();
    const run = await consortium.until(runId, ({ state }) => state === 'completed');
    expect([run.problem, run.pauseCause]).toEqual([null, null]);
  });

  it('refuses an upload with a code when the disk is full in its middle, and takes it when there is room', async () => {
    const held: AssignmentOffer[] = [];
    for (const site of consortium.sites) site.behaviour = holdFirstRound(held);
    const runId = await consortium.createRun(buildRecipe({ count: 1 }));
    await consortium.until(runId, () => held.length === consortium.sites.length);
    const [offer] = held;
    const site = consortium.sites.find(({ id }) => offer?.assignmentId.endsWith(id));
    if (offer === undefined || site === undefined) throw new Error('no offer');
    const result = await site.result(offer);
    const began = await site.upload(offer.assignmentId, result, Buffer.alloc(0));
    expect(began.status).toBe(201);
    const append = (offset: string) =>
      site.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
        method: 'PATCH',
        headers: { ...TUS, 'upload-offset': offset, 'content-type': 'application/offset+octet-stream' },
        body: new Uint8Array(result.bytes.subarray(Number(offset))),
      });
    await settled();
    small().fill(16 * 1024);
    const refused = await append('0');
    expect([refused.status, z.object({ code: z.string() }).parse(await refused.json()).code]).toEqual([
      507,
      'DISK_FULL',
    ]);
    const { assignments } = await consortium.run(runId);
    expect(assignments.map(({ problem }) => problem)).toEqual([null, null, null]);

    small().empty();
    const known = await site.api.fetch(`/v1/uploads/${offer.assignmentId}`, { method: 'HEAD', headers: TUS });
    const rest = await append(known.headers.get('upload-offset') ?? '');
    expect(rest.status).toBe(204);
    await answerHeld(held.slice(1));
    await consortium.until(runId, ({ state }) => state === 'completed');
  });

  it('refuses a small upload whole when the disk is full, and takes it when it is sent again', async () => {
    const held: AssignmentOffer[] = [];
    for (const site of consortium.sites) site.behaviour = holdFirstRound(held);
    const runId = await consortium.createRun(buildRecipe({ count: 1 }));
    await consortium.until(runId, () => held.length === consortium.sites.length);
    await settled();
    small().fill(16 * 1024);
    const [offer] = held;
    const site = consortium.sites.find(({ id }) => offer?.assignmentId.endsWith(id));
    if (offer === undefined || site === undefined) throw new Error('no offer');
    const refused = await site.upload(offer.assignmentId, await site.result(offer));
    expect([refused.status, z.object({ code: z.string() }).parse(await refused.json()).code]).toEqual([
      507,
      'DISK_FULL',
    ]);
    small().empty();
    await answerHeld(held);
    await consortium.until(runId, ({ state }) => state === 'completed');
  });

  /** What the runs before leave is removed a moment later, which would make room. */
  async function settled(): Promise<void> {
    for (let free = -1; free !== small().freeBytes; await sleep(2 * PRUNED_AFTER_MS)) free = small().freeBytes;
  }

  /** A run is pruned a moment after its rounds. */
  async function prunedVersions(runId: string, count: number) {
    for (let looks = 0; ; looks++) {
      const versions = await consortium.coordinator.admin.get(`/v1/models?runId=${runId}`, z.array(modelVersionSchema));
      if (looks === 100 || versions.filter(({ prunedAt }) => prunedAt !== null).length >= count) return versions;
      await sleep(100);
    }
  }

  async function answerHeld(held: readonly AssignmentOffer[]): Promise<void> {
    for (const offer of held) {
      const site = consortium.sites.find(({ id }) => offer.assignmentId.endsWith(id));
      if (site !== undefined) await answerAtOnce(site, offer);
    }
  }
});

afterAll(() => disk?.unmount());

function holdFirstRound(held: AssignmentOffer[]): Behaviour {
  return (site, offer) => {
    if (offer.round !== 1) return answerAtOnce(site, offer);
    held.push(offer);
    return Promise.resolve();
  };
}
