import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { canonicalJson, modelVersionSchema, readLineage, releaseSchema, roundViewSchema } from '@tributary/protocol';
import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { sha256Of } from '../factories/update.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';

jest.setTimeout(120_000);

describe.each(databaseCases())('a whole run on $name', (databaseCase) => {
  let consortium: Consortium;
  let runId: string;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
    runId = await consortium.createRun(buildRecipe());
    await consortium.until(runId, ({ state }) => state === 'completed');
  });

  afterAll(async () => {
    await consortium.close();
  });

  it('publishes every round with the answers of all sites', async () => {
    const rounds = await consortium.coordinator.admin.get(`/v1/runs/${runId}/rounds`, z.array(roundViewSchema));
    expect(rounds.map(({ n, kind, state, answered }) => ({ n, kind, state, answered }))).toEqual([
      { n: 1, kind: 'train', state: 'published', answered: 3 },
      { n: 2, kind: 'train', state: 'published', answered: 3 },
      { n: 3, kind: 'train', state: 'published', answered: 3 },
      { n: 4, kind: 'evaluate', state: 'published', answered: 3 },
    ]);
    expect(rounds[0]?.loss).toBeCloseTo(0.5);
  });

  it('scores the run from what the sites sent', async () => {
    const { evaluation } = await consortium.run(runId);
    expect(evaluation?.after.fd).toBeLessThan(evaluation?.before.fd ?? 0);
    expect(evaluation?.heldOutImages).toBe(288);
  });

  it('releases the last version with a lineage that its signature covers', async () => {
    const {
      lineage: signed,
      signature,
      publicKey,
    } = await consortium.coordinator.admin.get(`/v1/releases/${runId}`, releaseSchema);
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
      format: 'jwk',
    });
    expect(verify(null, Buffer.from(canonicalJson(signed)), key, Buffer.from(signature, 'base64'))).toBe(true);
    const lineage = readLineage(signed);
    expect(lineage.rounds.map(({ updates }) => updates.length)).toEqual([3, 3, 3]);
    expect(sha256Of(await consortium.coordinator.admin.bytes(`/v1/blobs/${lineage.emaSha256}`))).toBe(
      lineage.emaSha256,
    );
  });

  it('keeps a version for the initial model and one for each round', async () => {
    const versions = await consortium.coordinator.admin.get(`/v1/models?runId=${runId}`, z.array(modelVersionSchema));
    expect(versions.map(({ round, released }) => ({ round, released }))).toEqual([
      { round: 0, released: false },
      { round: 1, released: false },
      { round: 2, released: false },
      { round: 3, released: true },
    ]);
  });

  it('numbers its events without a gap and tells each round once', async () => {
    const events = await consortium.events(runId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ kind }) => kind === 'round.published').map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(events.at(-1)).toMatchObject({ kind: 'run.state', detail: { state: 'completed' } });
  });

  it('leaves an audit chain that verifies', async () => {
    const verdict = await consortium.coordinator.admin.get(
      '/v1/audit/verify',
      z.object({ ok: z.boolean(), entries: z.int() }),
    );
    expect(verdict.ok).toBe(true);
    expect(verdict.entries).toBeGreaterThan(10);
  });

  it('keeps secrets out of its log', () => {
    const log = consortium.coordinator.log();
    expect(log).not.toMatch(/tba_|tbi_|tbc_|v1\.[A-Za-z0-9_-]{20}/);
    expect(consortium.sites.flatMap(({ failures }) => failures)).toEqual([]);
  });
});
