import { beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { canonicalJson } from '@tributary/protocol/canonical-json';
import type { Release } from '@tributary/protocol/http';
import { recipeSchema } from '@tributary/protocol/recipe';
import { recordedDocumentSchema } from '@tributary/protocol/recorded-document';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { demoRecipe } from '../../demo/profiles.js';
import { readModelFolder, readSignedModel, releaseFacts } from './model-folder.js';
import { verifyModel } from './verify-model.js';

const OPTIONS = { profile: 'quick', seed: 7, pooled: false } as const;
const recipe = demoRecipe({ options: OPTIONS, classes: PHANTOM_CLASSES, siteCount: 3 });
const WEIGHTS = safetensors([1, 2]);
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const KEY = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');

function safetensors(values: readonly number[]): Uint8Array {
  const header = encodeSafetensorsHeader([{ name: 'a.bias', dtype: 'F32', shape: [values.length] }], {});
  return Buffer.concat([header, Buffer.from(Float32Array.from(values).buffer)]);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A lineage with that recipe, hashed and signed as its coordinator had it. */
function releaseOf(document: object, changes: object = {}): Release {
  const weights = sha256(WEIGHTS);
  const lineage = {
    version: 'run-4f3a9c1d/150',
    runId: 'run-4f3a9c1d',
    studyId: 'phantom-brain',
    recipeSha256: sha256(canonicalJson(document)),
    recipe: document,
    sites: [{ siteId: 'site-a', images: 512 }],
    classes: recipe.classes,
    rounds: [],
    weightsSha256: weights,
    emaSha256: weights,
    evaluation: null,
    createdAt: '2026-11-22T18:00:00Z',
    ...changes,
  };
  const signature = sign(null, Buffer.from(canonicalJson(lineage)), privateKey).toString('base64');
  return { lineage: recordedDocumentSchema.parse(lineage), signature, publicKey: KEY };
}

function modelOf(release: Release) {
  return { release, weights: { sha256: sha256(WEIGHTS) } };
}

/** The recipe as a version had it that did not know `retention` and `optimiser.amsgrad`, which have defaults today. */
function earlierRecipe(): object {
  const { retention, optimiser, ...rest } = recipe;
  const { amsgrad, ...earlier } = optimiser;
  expect([retention, amsgrad]).not.toContain(undefined);
  return { ...rest, optimiser: earlier };
}

const refusal = expect.objectContaining({ code: 'MODEL_VERIFY_FAILED' });

describe('verifyModel', () => {
  const model = modelOf(releaseOf(recipe));

  it('accepts what the coordinator signed', () => {
    expect(verifyModel(model)).toMatchObject({ version: 'run-4f3a9c1d/150', weightsSha256: model.weights.sha256 });
    expect(verifyModel(model, KEY)).toBeDefined();
  });

  it('refuses other weights', () => {
    expect(() => verifyModel({ ...model, weights: { sha256: sha256(safetensors([1, 3])) } })).toThrow(refusal);
  });

  it.each([
    { sites: [{ siteId: 'site-a', images: 513 }] },
    { recipe: { ...recipe, seed: 8 } },
    { addedLater: true },
    { writtenBy: '0.1.0' },
  ])('refuses a lineage that was changed after it was signed: %j', (change) => {
    const lineage = recordedDocumentSchema.parse({ ...model.release.lineage, ...change });
    expect(() => verifyModel({ ...model, release: { ...model.release, lineage } })).toThrow(refusal);
  });

  it('refuses a recipe that is not the one whose hash the sites approved, also in a signed lineage', () => {
    const other = modelOf(releaseOf(recipe, { recipe: { ...recipe, seed: 8 } }));
    expect(() => verifyModel(other)).toThrow(refusal);
  });

  it('refuses another key than the one the reader trusts', () => {
    expect(() => verifyModel(model, Buffer.alloc(32, 1).toString('base64'))).toThrow(refusal);
  });
});

describe('a release of another version', () => {
  it('verifies when today the recipe has more defaults, and is read with them', () => {
    const model = modelOf(releaseOf(earlierRecipe()));
    expect(verifyModel(model).recipeSha256).toBe(sha256(canonicalJson(earlierRecipe())));
    expect(releaseFacts(model.release).recipe).toEqual(recipeSchema.parse(earlierRecipe()));
    expect(releaseFacts(model.release).recipe.optimiser.amsgrad).toBe(false);
  });

  it('verifies when its lineage has fields that this version does not know', () => {
    expect(verifyModel(modelOf(releaseOf(recipe, { countersigned: { by: ['site-a'] } })))).toBeDefined();
  });

  it('does not verify with a field filled in', () => {
    const { lineage, ...signature } = releaseOf(earlierRecipe());
    const filled = recordedDocumentSchema.parse({ ...lineage, recipe: recipeSchema.parse(earlierRecipe()) });
    expect(() => verifyModel(modelOf({ ...signature, lineage: filled }))).toThrow(refusal);
  });

  it('verifies with a recipe that this version does not accept, which then is refused by the version that wrote it', () => {
    const model = modelOf(releaseOf({ ...recipe, attentionWindow: 7 }, { writtenBy: '9.1.0' }));
    expect(verifyModel(model)).toBeDefined();
    expect(() => releaseFacts(model.release)).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_UNREADABLE', message: expect.stringContaining('version 9.1.0') }),
    );
  });

  it('is refused by the version that wrote it when the lineage itself cannot be read', () => {
    const model = modelOf(releaseOf(recipe, { writtenBy: '9.1.0', rounds: { first: 1, last: 20 } }));
    expect(() => verifyModel(model)).toThrow(
      expect.objectContaining({
        code: 'DOCUMENT_UNREADABLE',
        message: expect.stringMatching(/version 9\.1\.0.*rounds/),
      }),
    );
  });
});

describe('a pulled folder', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-pulled-'));
    const { lineage, ...signature } = releaseOf(earlierRecipe());
    await mkdir(join(directory, 'unet'));
    await writeFile(join(directory, 'unet', 'diffusion_pytorch_model.safetensors'), WEIGHTS);
    await writeFile(join(directory, 'lineage.json'), JSON.stringify(lineage, null, 2));
    await writeFile(join(directory, 'signature.json'), JSON.stringify(signature));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('of an earlier version verifies and is read', async () => {
    expect(verifyModel(await readSignedModel(directory), KEY).version).toBe('run-4f3a9c1d/150');
    expect((await readModelFolder(directory)).recipe).toEqual(recipe);
  });
});
