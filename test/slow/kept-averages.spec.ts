import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { roundShares } from '@tributary/federation/averages/power-function';
import { modelVersionSchema, recipeSchema, type ModelVersion, type RecipeInput } from '@tributary/protocol';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ApiClient } from '../../apps/cli/src/http/api-client.js';
import { fetchBlob } from '../../apps/cli/src/http/fetch-blob.js';
import { readModelFolder, readSignedModel } from '../../apps/cli/src/models/folder/model-folder.js';
import { reconstructModel } from '../../apps/cli/src/models/averages/reconstruct-model.js';
import { readFlatWeights } from '../../apps/cli/src/models/folder/weights-file.js';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from '../medium/support/consortium.js';
import { databaseCases } from '../medium/support/databases.js';

jest.setTimeout(240_000);

/** Enough that every second round is let go. */
const ROUNDS = 34;

// Nothing here asks the database for more than whole-run.spec.ts does on both.
describe.each(databaseCases().slice(0, 1))('averages on $name', (databaseCase) => {
  let consortium: Consortium;
  let folder: string;
  let api: ApiClient;
  /** Keeps what the retention rule says. */
  let runId: string;
  /** Global weights after each round, from the first: of a run that keeps all and makes the same bytes. */
  const history: Float32Array[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'averages-'));
    consortium = await Consortium.on(databaseCase);
    const { url, adminKey } = consortium.coordinator;
    api = new ApiClient({ url, apiKey: adminKey });
    const everyRound = finished(ROUNDS, { retention: { weightsEvery: 1 } });
    runId = await finished(ROUNDS);
    for (const { round, weights } of await versionsOf(await everyRound)) {
      if (round > 0) history.push(await valuesOf(weights.sha256));
    }
  });
  afterAll(async () => {
    await consortium.close();
    await rm(folder, { recursive: true });
  });

  async function finished(count: number, changes: Partial<RecipeInput> = {}): Promise<string> {
    const recipe = { ...buildRecipe({ count }), serverEma: { kind: 'power-function' as const }, ...changes };
    const id = await consortium.createRun(recipeSchema.parse(recipe));
    await consortium.until(id, ({ state }) => state === 'completed', 120_000);
    return id;
  }

  function versionsOf(id: string): Promise<ModelVersion[]> {
    return api.get(`/v1/models?runId=${id}`, z.array(modelVersionSchema));
  }

  /** A run is pruned a moment after its rounds. */
  async function keptVersions(count: number): Promise<ModelVersion[]> {
    for (let looks = 0; ; looks++) {
      const kept = (await versionsOf(runId)).filter(({ prunedAt }) => prunedAt === null);
      if (looks === 100 || kept.length <= count) return kept;
      await sleep(100);
    }
  }

  async function valuesOf(sha256: string): Promise<Float32Array> {
    const path = join(folder, sha256);
    await fetchBlob(api, { sha256, path });
    return (await readFlatWeights(path)).values;
  }

  /** The average of a width, from the weights of every round. */
  function tracked(width: number): Float64Array {
    const shares = roundShares({ round: ROUNDS, width }, ROUNDS);
    return Float64Array.from(history[0] ?? [], (_, i) =>
      history.reduce((sum, weights, n) => sum + (shares[n] ?? NaN) * (weights[i] ?? NaN), 0),
    );
  }

  function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
    return Math.sqrt(Array.from(a, (value, i) => (value - (b[i] ?? NaN)) ** 2).reduce((sum, square) => sum + square));
  }

  it('are kept at even distances, each what was tracked over all rounds', async () => {
    const even = Array.from({ length: ROUNDS / 2 + 1 }, (_, i) => 2 * i);
    const rounds = [...even, 1, 5, ROUNDS - 1].toSorted((a, b) => a - b);
    const kept = await keptVersions(rounds.length);
    expect(kept.map(({ round }) => round)).toEqual(rounds);
    const last = kept.at(-1);
    expect(last?.averages.map(({ width }) => width)).toEqual([0.05]);
    expect(distance(await valuesOf(last?.ema.sha256 ?? ''), tracked(0.1))).toBeLessThan(1e-4);
    expect(distance(await valuesOf(last?.averages[0]?.sha256 ?? ''), tracked(0.05))).toBeLessThan(1e-4);
  });

  it('are put together to one of another width, in a folder that nobody takes for a release', async () => {
    const directory = join(folder, 'wider');
    const { residual, parts } = await reconstructModel(api, {
      reference: { runId, round: null },
      width: 0.15,
      directory,
    });
    expect(parts.length).toBeLessThan(2 * ROUNDS * 0.7);
    expect(residual).toBeLessThan(0.01);
    const { version, weights } = await readModelFolder(directory);
    expect(version).toBe(`${runId}/${ROUNDS}`);
    // The residual is the distance of shares: times how far the weights move in all, it bounds that of the averages.
    const travelled = Math.hypot(...history.map((after) => distance(after, history.at(-1) ?? [])));
    const length = Math.hypot(...roundShares({ round: ROUNDS, width: 0.15 }, ROUNDS));
    const error = distance(weights.values, tracked(0.15));
    expect(error).toBeLessThan(residual * length * travelled + 1e-4);
    expect(error).toBeLessThan(distance(tracked(0.1), tracked(0.15)) / 10);
    await expect(readSignedModel(directory)).rejects.toMatchObject({ code: 'MODEL_NOT_RELEASED' });
    const record = join(directory, 'reconstruction.json');
    await writeFile(record, (await readFile(record, 'utf8')).replaceAll(weights.sha256, '0'.repeat(64)));
    await expect(readModelFolder(directory)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('are refused where the run kept too few of them, or none', async () => {
    const few = await finished(8, {
      serverEma: { kind: 'power-function', widths: [0.1] },
      retention: { weightsEvery: 100 },
    });
    const none = await finished(1, { serverEma: { kind: 'constant' } });
    const refusal = expect.objectContaining({ code: 'EMA_WIDTH_UNREACHABLE' });
    for (const id of [few, none]) {
      const request = { reference: { runId: id, round: null }, width: 0.25, directory: join(folder, id) };
      await expect(reconstructModel(api, request)).rejects.toEqual(refusal);
    }
  });

  it('are none where nothing of them is kept: the weights are evaluated and released, and no second file is written', async () => {
    const keep = { retention: { weightsEvery: 1 } };
    const none = await versionsOf(await finished(3, { serverEma: { decay: 0 }, ...keep }));
    const one = await versionsOf(await finished(3, { serverEma: { decay: 0.9 }, ...keep }));
    const areWeights = (versions: ModelVersion[]): boolean[] =>
      versions.toSorted((a, b) => a.round - b.round).map(({ ema, weights }) => ema.sha256 === weights.sha256);
    expect(areWeights(none)).toEqual([true, true, true, true]);
    expect(areWeights(one)).toEqual([true, true, false, false]);
  });
});
