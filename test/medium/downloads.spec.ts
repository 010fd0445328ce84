import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  ASSIGNMENT_HEADER,
  assignmentId,
  modelVersionSchema,
  roundViewSchema,
  type BlobRef,
} from '@tributary/protocol';
import { decodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { eventually } from '../support/processes.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';

jest.setTimeout(120_000);

describe.each(databaseCases())('what sites are sent, on $name', (databaseCase) => {
  let consortium: Consortium;
  let runId: string;
  let weights: BlobRef;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
    runId = await consortium.createRun(buildRecipe({ count: 2 }));
    await consortium.until(runId, ({ state }) => state === 'completed');
    const { admin } = consortium.coordinator;
    const [initial] = await admin.get(`/v1/models?runId=${runId}`, z.array(modelVersionSchema));
    if (initial === undefined) throw new Error('a run has a first model');
    ({ weights } = initial);
  });
  afterAll(async () => {
    await consortium.close();
  });

  const rounds = () => consortium.coordinator.admin.get(`/v1/runs/${runId}/rounds`, z.array(roundViewSchema));
  const ask = (siteId: string, headers: Record<string, string>) =>
    consortium.site(siteId).api.fetch(`/v1/blobs/${weights.sha256}`, { headers });
  const firstOf = (siteId: string) => assignmentId({ runId, round: 1, attempt: 0, siteId });

  it('is counted by round, beside the numbers of whole models', async () => {
    const { dataBytes } = decodeSafetensorsHeader(
      await consortium.coordinator.admin.bytes(`/v1/blobs/${weights.sha256}`),
    );
    const told = (await rounds()).map(({ bytesDown, plainBytesDown }) => [bytesDown, plainBytesDown]);
    expect(told.slice(0, 2)).toEqual([
      [3 * weights.sizeBytes, 3 * dataBytes],
      [3 * weights.sizeBytes, 3 * dataBytes],
    ]);
    const published = (await consortium.events(runId)).filter(({ kind }) => kind === 'round.published');
    expect(published.map(({ detail }) => [detail.bytesDown, detail.plainBytesDown])).toEqual(told.slice(0, 2));
  });

  it('is counted for an assignment of the site that asks, and for no other', async () => {
    const before = (await rounds())[0]?.bytesDown ?? NaN;
    expect((await ask('site-a', { [ASSIGNMENT_HEADER]: firstOf('site-b') })).status).toBe(200);
    expect((await ask('site-a', {})).status).toBe(200);
    const own = await ask('site-a', { [ASSIGNMENT_HEADER]: firstOf('site-a'), range: 'bytes=10-109' });
    expect([own.status, (await own.arrayBuffer()).byteLength]).toEqual([206, 100]);
    const after = await eventually('the bytes are counted', async () => {
      const bytes = (await rounds())[0]?.bytesDown;
      return bytes === before ? undefined : bytes;
    });
    expect(after).toBe(before + 100);
  });

  it('is refused for what is no assignment', async () => {
    const refused = await ask('site-a', { [ASSIGNMENT_HEADER]: 'round 1' });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'REQUEST_INVALID' }]);
  });
});
