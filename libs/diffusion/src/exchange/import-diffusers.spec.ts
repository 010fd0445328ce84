import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialModel } from '../initial-model.js';
import { unetConfig } from '../network/unet-config.js';
import { rawOutputOf } from '../parameterisation/raw-output.js';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { DIFFUSERS_FILES, exportDiffusers } from './export-diffusers.js';
import { importDiffusers } from './import-diffusers.js';

/** Files are synced to disk, which a busy machine may do slowly. */
jest.setTimeout(60_000);

const NOISE = { prediction: 'epsilon', output: 'prediction' } as const;

describe('a diffusers model that predicts noise', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'import-'));
    const recipe = smallRecipe({ ...DDPM_FIELDS, objective: NOISE });
    const { weights } = initialModel(recipe, 1);
    await exportDiffusers({ recipe, weights, classRows: SMALL_CLASS_ROWS, directory });
  });
  afterEach(() => rm(directory, { recursive: true }));

  function importFor(objective: RecipeInput['objective']): Promise<Float32Array> {
    const recipe = smallRecipe({ ...DDPM_FIELDS, objective });
    const config = unetConfig(recipe, SMALL_CLASS_ROWS);
    return importDiffusers({ directory, config, output: rawOutputOf(recipe), seed: 1 });
  }

  async function writeScheduler(content: object | string): Promise<void> {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(directory, DIFFUSERS_FILES.scheduler), text);
  }

  it('starts a run whose raw output is the noise', async () => {
    const { weights } = initialModel(smallRecipe(DDPM_FIELDS), 1);
    expect(await importFor(NOISE)).toEqual(weights);
  });

  it.each([{ prediction: 'epsilon' }, { prediction: 'velocity' }, { prediction: 'sample' }] as const)(
    'is refused by a run with %j, naming the field',
    async (objective) => {
      await expect(importFor(objective)).rejects.toMatchObject({
        code: 'START_MODEL_UNFIT',
        message: expect.stringContaining('objective.output'),
      });
    },
  );

  it('is one also when its scheduler does not say so', async () => {
    await writeScheduler({ _class_name: 'DDPMScheduler', num_train_timesteps: 1000 });
    await expect(importFor(NOISE)).resolves.toBeInstanceOf(Float32Array);
    await expect(importFor({ prediction: 'epsilon' })).rejects.toMatchObject({ code: 'START_MODEL_UNFIT' });
  });

  it('may come without a scheduler: then the recipe alone says what the raw output is', async () => {
    await rm(join(directory, DIFFUSERS_FILES.scheduler));
    await expect(importFor({ prediction: 'epsilon' })).resolves.toBeInstanceOf(Float32Array);
  });

  it('is refused with a scheduler that is no JSON', async () => {
    await writeScheduler('{');
    await expect(importFor(NOISE)).rejects.toMatchObject({ code: 'START_MODEL_UNFIT' });
  });
});
