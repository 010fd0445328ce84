import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  canonicalJson,
  recordedRecipeSchema,
  releaseSchema,
  runViewSchema,
  type AssignmentOffer,
} from '@tributary/protocol';
import { z } from 'zod';
import { verifyRelease } from '../../apps/cli/src/models/folder/verify-model.js';
import { readConfig } from '../../apps/coordinator/src/platform/config/coordinator-config.js';
import { openDatabase } from '../../apps/coordinator/src/platform/database/open-database.js';
import type { AccessTokens } from '../../apps/site-agent/src/agent/coordinator-client/access-tokens.js';
import { CoordinatorHttp } from '../../apps/site-agent/src/agent/coordinator-client/coordinator-http.js';
import { ProposalStore } from '../../apps/site-agent/src/agent/policy/proposal-store.js';
import { ProposedRecipes } from '../../apps/site-agent/src/agent/policy/proposed-recipes.js';
import { buildRecipe } from '../factories/recipe.js';
import { Consortium } from './support/consortium.js';
import { databaseCases, type OpenDatabases } from './support/databases.js';
import { answerAtOnce, type FakeSite } from './support/fake-site.js';

jest.setTimeout(180_000);

const recipe = buildRecipe();
/** As a version accepted it that did not know `retention` and `optimiser.amsgrad`, which have defaults today. */
const { retention: _, ...known } = recipe;
const { amsgrad: __, ...optimiser } = recipe.optimiser;
const earlier = { ...known, optimiser };

function hashOf(document: object): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex');
}

describe.each(databaseCases())('a run that an earlier version began, on $name', (databaseCase) => {
  let databases: OpenDatabases;
  let environment: NodeJS.ProcessEnv;
  let consortium: Consortium;
  let folder: string;
  let runId: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-upgraded-'));
    databases = await databaseCase.open();
    environment = databases.fresh();
    consortium = await Consortium.create(environment);
  });
  afterAll(async () => {
    await consortium.close();
    databases.close();
    rmSync(folder, { recursive: true });
  });

  /** Puts a recipe into the run's row as another version would have, while no coordinator runs. */
  async function rewrite(stored: { readonly recipe: object; readonly writtenBy: string | null }): Promise<void> {
    await consortium.coordinator.stop();
    const flags = { dataDir: consortium.coordinator.dataDir, port: undefined, host: undefined };
    const database = await openDatabase(readConfig(flags, environment));
    const data = { recipe: { ...stored.recipe }, recipeSha256: hashOf(stored.recipe), writtenBy: stored.writtenBy };
    await database.db.run.update({ where: { id: runId }, data });
    await database.close();
    await consortium.coordinator.start();
  }

  /** Takes part as agents do: only by the recipe that the offer's hash names. */
  async function takePart(site: FakeSite, offer: AssignmentOffer): Promise<void> {
    const tokens: Pick<AccessTokens, 'use'> = { use: (work) => work(site.accessToken) };
    const store = new ProposalStore(join(folder, site.id));
    const recipes = new ProposedRecipes(store, new CoordinatorHttp(site.url), tokens as AccessTokens);
    expect(await recipes.recipe(offer)).toEqual(recipe);
    await answerAtOnce(site, offer);
  }

  it('goes on after the upgrade: sites take part by the hash that they approved, and the release verifies', async () => {
    const upgraded = Promise.withResolvers<true>();
    for (const site of consortium.sites) {
      site.behaviour = async (_site, offer) => {
        if (offer.round === 1) return answerAtOnce(site, offer);
        await upgraded.promise;
        const { assignments } = await site.openWork();
        const now = assignments.find(({ assignmentId }) => assignmentId === offer.assignmentId);
        if (now !== undefined) await takePart(site, now);
      };
    }
    runId = await consortium.createRun(recipe);
    await consortium.until(runId, ({ currentRound }) => currentRound?.n === 2);
    await rewrite({ recipe: earlier, writtenBy: null });
    upgraded.resolve(true);

    const run = await consortium.until(runId, ({ state }) => state === 'completed', 120_000);
    expect(run).toMatchObject({ roundsDone: 3, recipeSha256: hashOf(earlier) });
    const { admin } = consortium.coordinator;
    const served = await admin.get(`/v1/runs/${runId}/recipe`, recordedRecipeSchema);
    expect(canonicalJson(served.recipe)).toBe(canonicalJson(earlier));
    const lineage = verifyRelease(await admin.get(`/v1/releases/${runId}`, releaseSchema));
    expect(canonicalJson(lineage.recipe)).toBe(canonicalJson(earlier));
    expect(lineage.rounds.map(({ updates }) => updates.length)).toEqual([3, 3, 3]);
  });

  it('is refused by the version that wrote it when this one cannot read its recipe; other runs are served', async () => {
    const released = await consortium.coordinator.admin.get(`/v1/releases/${runId}`, releaseSchema);
    await rewrite({ recipe: { ...recipe, attentionWindow: 7 }, writtenBy: '9.1.0' });
    const { admin } = consortium.coordinator;
    const { status, code, problem } = await admin.refusal(`/v1/runs/${runId}`);
    expect({ status, code }).toEqual({ status: 422, code: 'DOCUMENT_UNREADABLE' });
    expect(problem.message).toMatch(/version 9\.1\.0.*attentionWindow/);
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
    const other = await consortium.createRun(buildRecipe({ count: 1 }));
    await consortium.until(other, ({ state }) => state === 'completed', 120_000);
    const listed = await admin.get('/v1/runs', z.array(runViewSchema));
    expect(listed.map(({ id }) => id)).toEqual([other]);
    expect(await admin.get(`/v1/releases/${runId}`, releaseSchema)).toEqual(released);
  });
});
