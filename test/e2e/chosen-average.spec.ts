import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol';
import { z } from 'zod';
import { consortiumForSuite } from '../support/consortium-suite.js';
import { tinyRecipe } from '../support/tiny-recipe.js';

const consortium = consortiumForSuite();
const at = (name: string): string => join(consortium().directory, name);
const madeSchema = z.object({ weightsSha256: z.string(), residual: z.number() });
const refusedSchema = z.object({ error: z.object({ code: z.string() }) });

async function done(...args: string[]): Promise<unknown> {
  const { code, answer } = await consortium().tributary(...args);
  expect({ code, answer: code === 0 ? undefined : answer }).toEqual({ code: 0, answer: undefined });
  return answer;
}

async function refusal(...args: string[]): Promise<string> {
  return refusedSchema.parse((await consortium().tributary(...args)).answer).error.code;
}

function recipe(count: number): RecipeInput {
  return { ...tinyRecipe({ rounds: { count, localSteps: 4 } }), serverEma: { kind: 'power-function' } };
}

describe('an average of another width, over real processes', () => {
  let runId = '';
  let weightsSha256 = '';

  it('is put together after the training, and makes images, but is no release', async () => {
    runId = await consortium().createRun(recipe(6));
    await consortium().completed(runId);
    const made = await done('model', 'reconstruct', runId, '--ema-width', '0.2', '-o', at('wider'));
    weightsSha256 = madeSchema.parse(made).weightsSha256;
    expect(madeSchema.parse(made).residual).toBeLessThan(1e-3);
    await done('generate', '--model', at('wider'), '--count', '2', '--out', at('samples'));
    expect(await refusal('model', 'verify', at('wider'))).toBe('MODEL_NOT_RELEASED');
    expect(await refusal('model', 'reconstruct', runId, '--ema-width', '0.2', '-o', at('wider'))).toBe(
      'OUTPUT_NOT_OURS',
    );
  }, 240_000);

  it('is released by a run without rounds: its sites score these weights, and the coordinator signs them', async () => {
    await writeFile(at('recipe.json'), JSON.stringify(recipe(0)));
    const create = ['run', 'create', '-f', at('recipe.json'), '--study', 'brains'];
    expect(await refusal(...create)).toBe('RECIPE_INVALID');
    const { id } = z.object({ id: z.string() }).parse(await done(...create, '--start-from', at('wider')));
    await consortium().completed(id);
    const { evaluation, roundsDone } = await consortium().run(id);
    expect({ heldOut: (evaluation?.heldOutImages ?? 0) > 0, roundsDone }).toEqual({ heldOut: true, roundsDone: 0 });
    const pulled = await done('model', 'pull', id, '-o', at('released'));
    expect(pulled).toMatchObject({ version: `${id}/0`, weightsSha256 });
    await done('model', 'verify', at('released'));
  }, 240_000);
});
