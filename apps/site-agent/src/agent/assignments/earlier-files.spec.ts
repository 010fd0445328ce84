import { mkdir, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { changedBytes } from '@tributary/federation';
import type { AssignmentOffer, BlobRef, RecipeInput } from '@tributary/protocol';
import { federationSchema } from '@tributary/protocol/federation';
import { writeParameterFile } from '@tributary/safetensors';
import { exampleRecipe } from '../../example-recipe.spec-support.js';
import type { ProposedRecipes } from '../policy/proposed-recipes.js';
import { AssignmentStore } from './assignment-store.js';
import { EarlierFiles } from './earlier-files.js';

const MANIFEST = [
  { name: 'conv_in.weight', shape: [40_000] },
  { name: 'conv_out.weight', shape: [8] },
];
const UDEC = { exchange: 'udec' } as const;
const CHANGED = changedBytes(MANIFEST, federationSchema.parse(UDEC));
const GLOBAL = 'global.safetensors';
const hash = 'ab'.repeat(32);

function offerOf(round: number, weights: BlobRef, control?: BlobRef): AssignmentOffer {
  return {
    kind: 'train',
    assignmentId: `run-12345678-r${round}-a0-site-a`,
    runId: 'run-12345678',
    recipeSha256: hash,
    round,
    attempt: 0,
    countedRound: round - 1,
    deadlineAt: '2026-11-22T12:00:00.000Z',
    sites: ['site-a'],
    weights,
    ...(control && { control }),
  };
}

describe('EarlierFiles', () => {
  let folder: string;
  let store: AssignmentStore;
  let sizeBytes: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'earlier-'));
    store = new AssignmentStore(folder);
    sizeBytes = 0;
  });
  afterEach(() => rm(folder, { recursive: true }));

  function filesWith(federation: RecipeInput['federation']): EarlierFiles {
    const recipes: Pick<ProposedRecipes, 'recipe'> = { recipe: () => Promise.resolve(exampleRecipe({ federation })) };
    return new EarlierFiles(store, recipes as ProposedRecipes);
  }

  /** An assignment that is over, with what was fetched for it. @returns Its folder. */
  async function leave(round: number, names: readonly string[]): Promise<string> {
    const place = store.folder(offerOf(round, { sha256: hash, sizeBytes: 1 }));
    await mkdir(place, { recursive: true });
    for (const name of names) {
      ({ sizeBytes } = await writeParameterFile(join(place, name), {
        manifest: MANIFEST,
        flat: new Float32Array(40_008),
      }));
    }
    const ref = { sha256: hash, sizeBytes };
    const control = names.includes('control.safetensors') ? ref : undefined;
    await store.save({ offer: offerOf(round, ref, control), state: 'received' });
    return place;
  }

  it('names the newest file of the run, and where it may differ', async () => {
    await leave(1, [GLOBAL]);
    const place = await leave(2, [GLOBAL]);
    const blob = { sha256: 'cd'.repeat(32), sizeBytes };
    const base = await filesWith(UDEC).baseOf(offerOf(3, blob), [GLOBAL, blob]);
    expect(base).toEqual({ path: join(place, GLOBAL), changed: CHANGED });
    expect(CHANGED[0]?.begin).toBeGreaterThan(160_000);
  });

  it('knows of none in the first round, nor of one of another length', async () => {
    const blob = { sha256: hash, sizeBytes: 1000 };
    const files = filesWith(UDEC);
    expect(await files.baseOf(offerOf(1, blob), [GLOBAL, blob])).toBeUndefined();
    await leave(1, [GLOBAL]);
    expect(await files.baseOf(offerOf(2, blob), [GLOBAL, blob])).toBeUndefined();
  });

  it('does not look where all parameters are shared', async () => {
    await leave(1, [GLOBAL]);
    const blob = { sha256: hash, sizeBytes };
    expect(await filesWith({}).baseOf(offerOf(2, blob), [GLOBAL, blob])).toBeUndefined();
  });

  it('makes control variates of control variates, and averages of weights', async () => {
    const first = await leave(1, [GLOBAL]);
    const blob = { sha256: hash, sizeBytes };
    const files = filesWith(UDEC);
    expect(await files.baseOf(offerOf(2, blob, blob), ['control.safetensors', blob])).toBeUndefined();
    expect(await files.baseOf(offerOf(2, blob), ['after.safetensors', blob])).toMatchObject({
      path: join(first, GLOBAL),
    });
    const second = await leave(2, [GLOBAL, 'control.safetensors']);
    expect(await files.baseOf(offerOf(3, blob, blob), ['control.safetensors', blob])).toMatchObject({
      path: join(second, 'control.safetensors'),
    });
  });

  it('passes over a file that is gone or damaged', async () => {
    const oldest = await leave(1, [GLOBAL]);
    await rm(join(await leave(2, [GLOBAL]), GLOBAL));
    await truncate(join(await leave(3, [GLOBAL]), GLOBAL), 100);
    const blob = { sha256: hash, sizeBytes };
    expect(await filesWith(UDEC).baseOf(offerOf(4, blob), [GLOBAL, blob])).toMatchObject({
      path: join(oldest, GLOBAL),
    });
  });
});
