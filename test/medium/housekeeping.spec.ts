import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AssignmentOffer } from '@tributary/protocol';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases, type OpenDatabases } from './support/databases.js';
import { answerAtOnce, stayAway } from './support/fake-site.js';

jest.setTimeout(240_000);

const ABANDONED_SECONDS = 3600;
const TWO_HOURS_AGO = new Date(Date.now() - 7200_000);
const BLOB = /^[0-9a-f]{64}$/;

describe.each(databaseCases())('files that a crash left, with $name', (databaseCase) => {
  let database: OpenDatabases;
  let consortium: Consortium;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-housekeeping-'));
    database = await databaseCase.open();
    consortium = await Consortium.create({
      ...database.fresh(),
      TRIBUTARY_BLOB_DIR: folder,
      TRIBUTARY_ABANDONED_SECONDS: String(ABANDONED_SECONDS),
    });
  });
  afterAll(async () => {
    await consortium.close();
    database.close();
    rmSync(folder, { recursive: true });
  });

  const pathOf = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256);
  const blobs = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => path.split('/').at(-1) ?? '')
      .filter((name) => BLOB.test(name))
      .sort();
  const writeBlob = (content: string): string => {
    const sha256 = createHash('sha256').update(content).digest('hex');
    mkdirSync(join(folder, sha256.slice(0, 2)), { recursive: true });
    writeFileSync(pathOf(sha256), content);
    return sha256;
  };
  const makeOld = (path: string): void => utimesSync(path, TWO_HOURS_AGO, TWO_HOURS_AGO);
  const gone = async (path: string): Promise<boolean> => {
    for (let looks = 0; looks < 200 && existsSync(path); looks++) await sleep(50);
    return !existsSync(path);
  };

  it('are gone after the stated age; what rows name and what is young stays', async () => {
    const runId = await consortium.createRun(buildRecipe({ count: 2 }));
    await consortium.until(runId, ({ state }) => state === 'completed');
    await sleep(2000); // files of the last round are pruned a second later
    const named = blobs();
    await consortium.coordinator.kill();
    for (const sha256 of named) makeOld(pathOf(sha256));
    const old = writeBlob('of a process that died before it wrote the row');
    makeOld(pathOf(old));
    const young = writeBlob('of a process that is about to write the row');

    await consortium.coordinator.start();
    expect(await gone(pathOf(old))).toBe(true);
    expect(blobs()).toEqual([...named, young].sort());
  });

  it('uploads go by their last byte, not by their first', async () => {
    for (const site of consortium.sites) site.behaviour = stayAway;
    const runId = await consortium.createRun(buildRecipe({ count: 1, deadlineSeconds: 600 }));
    await consortium.until(runId, ({ state }) => state === 'running');
    const [abandoned, slow, last] = await Promise.all(consortium.sites.map(begin));
    if (abandoned === undefined || slow === undefined || last === undefined) throw new Error('three sites');
    await consortium.coordinator.kill();
    const upload = ({ assignmentId }: AssignmentOffer): string => join(folder, 'uploads', assignmentId);
    for (const path of [upload(abandoned), `${upload(abandoned)}.json`, `${upload(slow)}.json`]) makeOld(path);

    await consortium.coordinator.start();
    expect(await gone(upload(abandoned))).toBe(true);
    expect(await gone(`${upload(abandoned)}.json`)).toBe(true);
    const kept = readdirSync(join(folder, 'uploads')).sort();
    expect(kept).toEqual([slow, last].flatMap((offer) => [offer.assignmentId, `${offer.assignmentId}.json`]).sort());
    // The site whose upload was removed sends it again, the others go on.
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    for (const site of consortium.sites) {
      const [offer] = (await openWork(site)).assignments;
      if (offer !== undefined) await site.upload(offer.assignmentId, await site.result(offer));
    }
  });

  async function begin(site: Consortium['sites'][number]): Promise<AssignmentOffer> {
    const [offer] = (await openWork(site)).assignments;
    if (offer === undefined) throw new Error('nothing was offered');
    const result = await site.result(offer);
    await site.upload(offer.assignmentId, result, result.bytes.subarray(0, 1000));
    return offer;
  }

  async function openWork(site: Consortium['sites'][number]) {
    await site.authenticate();
    return site.openWork();
  }
});
