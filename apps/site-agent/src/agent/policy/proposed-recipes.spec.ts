import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { canonicalJson } from '@tributary/protocol';
import { exampleRecipe } from '../../example-recipe.spec-support.js';
import {
  sendJson,
  startTestCoordinator,
  type TestCoordinator,
} from '../coordinator-client/test-coordinator.spec-support.js';
import { ProposalStore } from './proposal-store.js';
import { ProposedRecipes } from './proposed-recipes.js';

const RUN_ID = 'run-00000001';
const recipe = exampleRecipe();
/** As a version had it that did not know `retention`, which has a default today. */
const { retention: _, ...earlier } = recipe;

function hashOf(document: object): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex');
}

describe('a recipe that is proposed to a site', () => {
  let folder: string;
  let coordinator: TestCoordinator;
  let served: object;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'proposed-recipes-'));
    coordinator = await startTestCoordinator((_request, response) => sendJson(response, 200, served));
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  /** As a freshly started agent looks at it. */
  const proposed = (recipeSha256: string) =>
    new ProposedRecipes(new ProposalStore(folder), coordinator.http, coordinator.tokens).recipe({
      runId: RUN_ID,
      recipeSha256,
    });
  const fileOf = (recipeSha256: string): string => join(folder, `${recipeSha256}.json`);

  it('of an earlier version is taken by its hash, read with the defaults of today and kept as it was', async () => {
    const recipeSha256 = hashOf(earlier);
    served = { recipeSha256, recipe: earlier };
    expect(await proposed(recipeSha256)).toEqual(recipe);
    expect(JSON.parse(await readFile(fileOf(recipeSha256), 'utf8'))).toMatchObject({ recipe: earlier, runId: RUN_ID });
    expect(await proposed(recipeSha256)).toEqual(recipe);
    expect(coordinator.requests).toHaveLength(1);
  });

  it('is refused and not kept when it has a field that the hash does not cover', async () => {
    const recipeSha256 = hashOf(earlier);
    served = { recipeSha256, recipe };
    await expect(proposed(recipeSha256)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
    await expect(readFile(fileOf(recipeSha256))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused when it is another one with its own hash', async () => {
    served = { recipeSha256: hashOf(recipe), recipe };
    await expect(proposed(hashOf(earlier))).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });

  it('is refused by the version that wrote it when this one cannot read it, and kept for one that can', async () => {
    const later = { ...recipe, attentionWindow: 7 };
    const recipeSha256 = hashOf(later);
    served = { recipeSha256, recipe: later, writtenBy: '9.1.0' };
    const message = expect.stringMatching(/version 9\.1\.0.*attentionWindow/);
    await expect(proposed(recipeSha256)).rejects.toMatchObject({ code: 'DOCUMENT_UNREADABLE', message });
    expect((await new ProposalStore(folder).list()).map(({ writtenBy }) => writtenBy)).toEqual(['9.1.0']);
  });

  it('is refused when its file was changed at the site', async () => {
    const recipeSha256 = hashOf(recipe);
    served = { recipeSha256, recipe };
    await proposed(recipeSha256);
    const text = await readFile(fileOf(recipeSha256), 'utf8');
    await writeFile(fileOf(recipeSha256), text.replace('"seed": 7', '"seed": 8'));
    await expect(proposed(recipeSha256)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });
});
