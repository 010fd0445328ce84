import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { roundViewSchema, runViewSchema, type RecipeInput, type RoundView } from '@tributary/protocol';
import { decodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { z } from 'zod';
import { consortiumForSuite } from '../support/consortium-suite.js';
import { tinyRecipe } from '../support/tiny-recipe.js';
import { eventually } from '../support/processes.js';

const consortium = consortiumForSuite();

/** Stretches that are fetched though they stay: at most one at each end of what changes. */
const OVERHEAD_BYTES = 2 * 64 * 1024;

/** Large enough that an encoder is worth leaving out. */
function recipe(): RecipeInput {
  return {
    ...tinyRecipe({ rounds: { count: 4, localSteps: 4 } }),
    network: { kind: 'unet2d', blockOutChannels: [32, 64], attention: [false, false] },
    federation: { exchange: 'udec' },
  };
}

function rounds(runId: string): Promise<RoundView[]> {
  return consortium().request(z.array(roundViewSchema), `/v1/runs/${runId}/rounds`);
}

/** Of a model file at a site: its size, and how much of it is the decoder, by the names of diffusers. */
function sizesOf(path: string): { wholeBytes: number; decoderBytes: number } {
  const file = readFileSync(path);
  const decoder = decodeSafetensorsHeader(file).entries.filter(({ name }) =>
    /^(up_blocks|conv_norm_out|conv_out)\./.test(name),
  );
  return { wholeBytes: file.length, decoderBytes: decoder.reduce((sum, { begin, end }) => sum + end - begin, 0) };
}

/** Every model that a site holds: the cache's, and those in the folders of its assignments (often the same file by two names). */
function modelsOf(siteId: string): string[] {
  const found = readdirSync(consortium().siteDir(siteId), { recursive: true, encoding: 'utf8' });
  return found
    .filter((name) => /([0-9a-f]{64}|global)\.safetensors$/.test(name))
    .map((name) => join(consortium().siteDir(siteId), name));
}

describe('a run that shares the decoder only, over real processes', () => {
  let undisturbed = '';

  it('sends sites whole models once, then the decoder', async () => {
    const runId = await consortium().createRun(recipe());
    undisturbed = (await consortium().completed(runId)).weights.sha256;
    const { wholeBytes, decoderBytes } = sizesOf(modelsOf('site-a')[0] ?? '');
    expect(decoderBytes + OVERHEAD_BYTES).toBeLessThan(0.8 * wholeBytes);
    const [first, ...later] = await rounds(runId);
    const sites = consortium().siteIds.length;
    expect(first?.bytesDown).toBe(sites * wholeBytes);
    expect(later.map(({ kind }) => kind)).toEqual(['train', 'train', 'train', 'evaluate']);
    for (const { kind, bytesDown } of later) {
      const models = kind === 'evaluate' ? 2 : 1;
      expect(bytesDown).toBeLessThanOrEqual(models * sites * (decoderBytes + OVERHEAD_BYTES));
      expect(bytesDown).toBeGreaterThan(0);
    }
  }, 240_000);

  it('ends with the same weights when a site is killed and the files that it holds are damaged meanwhile', async () => {
    const runId = await consortium().createRun(recipe());
    await eventually('round 1', async () => ((await consortium().run(runId)).roundsDone >= 1 ? true : undefined));
    // Between two rounds: in one, site-b could hold all of the next weights already.
    await consortium().request(runViewSchema, `/v1/runs/${runId}/pause`, {});
    await eventually('no open round', async () =>
      (await rounds(runId)).every(({ state }) => state === 'published') ? true : undefined,
    );
    await consortium().kill('site-b');
    for (const path of modelsOf('site-b')) {
      const { headerBytes, entries } = decodeSafetensorsHeader(readFileSync(path));
      const bottleneck = entries.find(({ name }) => name.startsWith('mid_block.'))?.begin ?? NaN;
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.from('damaged.'), 0, 8, headerBytes + bottleneck);
      closeSync(file);
    }
    consortium().startAgent('site-b');
    await consortium().request(runViewSchema, `/v1/runs/${runId}/resume`, {});
    expect((await consortium().completed(runId)).weights.sha256).toBe(undisturbed);
    expect(readFileSync(consortium().log('site-b'), 'utf8')).toContain('what was downloaded is not what its hash says');
  }, 240_000);
});
