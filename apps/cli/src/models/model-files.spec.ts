import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from '@tributary/protocol/canonical-json';
import type { Lineage } from '@tributary/protocol/http';
import { recipeHash } from '@tributary/protocol/recipe-hash';
import { PHANTOM_CLASSES } from '@tributary/imaging/phantom/classes';
import { generateKeyPairSync, sign } from 'node:crypto';
import { demoRecipe } from '../demo/profiles.js';
import { modelReferenceOf } from './model-reference.js';
import { npzOfBytes } from './npz-file.js';
import { parseSeeds } from './seed-list.js';
import { verifyModel } from './verify-model.js';

const OPTIONS = { profile: 'quick', seed: 7, pooled: false } as const;
const recipe = demoRecipe({ options: OPTIONS, classes: PHANTOM_CLASSES, siteCount: 3 });
const WEIGHTS = { sha256: 'a'.repeat(64) };

function signedModel() {
  const lineage: Lineage = {
    version: 'run-4f3a9c1d/150',
    runId: 'run-4f3a9c1d',
    studyId: 'phantom-brain',
    recipeSha256: recipeHash(recipe),
    recipe,
    sites: [{ siteId: 'site-a', images: 512 }],
    classes: recipe.classes,
    rounds: [],
    weightsSha256: WEIGHTS.sha256,
    emaSha256: WEIGHTS.sha256,
    evaluation: null,
    createdAt: '2026-11-22T18:00:00Z',
  };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const signature = sign(null, Buffer.from(canonicalJson(lineage)), privateKey).toString('base64');
  return { lineage, recipe, weights: WEIGHTS, signature: { signature, publicKey: raw } };
}

describe('verifyModel', () => {
  const model = signedModel();
  const refusal = expect.objectContaining({ code: 'MODEL_VERIFY_FAILED' });

  it('accepts what the coordinator signed', () => {
    expect(verifyModel(model)).toMatchObject({ version: 'run-4f3a9c1d/150', weightsSha256: model.weights.sha256 });
    expect(verifyModel(model, model.signature.publicKey)).toBeDefined();
  });

  it('refuses other weights', () => {
    const weights = { sha256: 'b'.repeat(64) };
    expect(() => verifyModel({ ...model, weights })).toThrow(refusal);
  });

  it('refuses a lineage that was changed after it was signed', () => {
    const lineage = { ...model.lineage, sites: [{ siteId: 'site-a', images: 513 }] };
    expect(() => verifyModel({ ...model, lineage })).toThrow(refusal);
  });

  it('refuses another recipe', () => {
    expect(() => verifyModel({ ...model, recipe: { ...recipe, seed: 8 } })).toThrow(refusal);
  });

  it('refuses another key than the one the reader trusts', () => {
    expect(() => verifyModel(model, signedModel().signature.publicKey)).toThrow(refusal);
  });
});

describe('seeds and references', () => {
  it('reads ranges and lists', () => {
    expect(parseSeeds('3,7-9')).toEqual([3, 7, 8, 9]);
  });

  it.each(['', '9-7', 'a', '1-', '4294967296', '0-99999999'])('refuses the seeds %j', (text) => {
    expect(() => parseSeeds(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });

  it('tells a run from a version', () => {
    expect(modelReferenceOf('run-4f3a9c1d')).toEqual({ runId: 'run-4f3a9c1d', round: null });
    expect(modelReferenceOf('run-4f3a9c1d/20')).toEqual({ runId: 'run-4f3a9c1d', round: 20 });
  });

  it.each(['model', 'run-4f3a9c1d/x', 'run-4f3a9c1d/1/2', ''])('refuses the reference %j', (text) => {
    expect(() => modelReferenceOf(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
  });
});

describe('npzOfBytes', () => {
  it('writes the member that numpy.save writes for the same array', () => {
    // numpy 2: numpy.save(f, numpy.arange(6, dtype='u1').reshape(2, 3, 1))
    const npz = npzOfBytes(Uint8Array.from([0, 1, 2, 3, 4, 5]), [2, 3, 1]);
    const start = 30 + 'arr_0.npy'.length;
    const member = npz.subarray(start, start + 128 + 6);
    expect(member.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
    expect(member.subarray(10, 128).toString('latin1').trimEnd()).toBe(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 1), }",
    );
    expect([...member.subarray(128)]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('refuses a shape that does not fit', () => {
    expect(() => npzOfBytes(new Uint8Array(5), [2, 3])).toThrow(RangeError);
  });
});
