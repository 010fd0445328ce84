import { describe, expect, it, jest } from '@jest/globals';
import { readParameterFile } from '@tributary/safetensors';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialModel } from '../initial-model.js';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { exportDiffusers } from './export-diffusers.js';
import type { Recipe } from '@tributary/protocol/recipe';

/** Files are synced to disk, which a busy machine may do slowly. */
jest.setTimeout(60_000);

async function exported(recipe: Recipe): Promise<{
  files: string[];
  json: (name: string) => Promise<unknown>;
  remove: () => Promise<void>;
  directory: string;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'export-'));
  const { weights } = initialModel(recipe, 1);
  await exportDiffusers({ recipe, weights, classRows: SMALL_CLASS_ROWS, directory });
  const files = await readdir(directory, { recursive: true });
  return {
    directory,
    files: files.filter((name) => name.includes('.')).sort(),
    json: async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as unknown,
    remove: () => rm(directory, { recursive: true }),
  };
}

describe('export to diffusers', () => {
  it('writes a pipeline folder whose weights are those of the manifest', async () => {
    const recipe = smallRecipe(DDPM_FIELDS);
    const { directory, files, json, remove } = await exported(recipe);
    expect(files).toEqual([
      'model_index.json',
      'scheduler/scheduler_config.json',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    expect(await json('model_index.json')).toMatchObject({ _class_name: 'DDIMPipeline' });
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({
      _class_name: 'DDIMScheduler',
      num_train_timesteps: 100,
      beta_schedule: 'linear',
      prediction_type: 'v_prediction',
    });
    expect(await json('unet/config.json')).toMatchObject({
      _class_name: 'UNet2DModel',
      block_out_channels: [8, 16],
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
      num_class_embeds: 3,
    });
    const { manifest, flat } = await readParameterFile(join(directory, 'unet/diffusion_pytorch_model.safetensors'));
    const expected = initialModel(recipe, 1);
    expect(manifest).toEqual(expected.manifest);
    expect(flat).toEqual(expected.weights);
    await remove();
  });

  it('names the EDM scheduler with its noise levels', async () => {
    const { json, remove } = await exported(smallRecipe({ process: { kind: 'edm', sigmaData: 0.7, sigmaMax: 40 } }));
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({
      _class_name: 'EDMEulerScheduler',
      sigma_data: 0.7,
      sigma_max: 40,
    });
    await remove();
  });

  it('gives a continuous VP model the table of 1000 betas that stands for it', async () => {
    const { json, remove } = await exported(
      smallRecipe({ process: { kind: 'vp' }, objective: { prediction: 'velocity' } }),
    );
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({
      beta_start: 0.0001,
      beta_end: 0.02,
      prediction_type: 'v_prediction',
    });
    await remove();
  });

  it.each([
    [{ prediction: 'epsilon' }, 'v_prediction'],
    [{ prediction: 'score' }, 'v_prediction'],
    [{ prediction: 'epsilon', output: 'prediction' }, 'epsilon'],
    [{ prediction: 'sample' }, 'sample'],
  ] as const)('names the raw output of %j: %s', async (objective, predictionType) => {
    const { json, remove } = await exported(smallRecipe({ ...DDPM_FIELDS, objective }));
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({ prediction_type: predictionType });
    await remove();
  });

  it('tells diffusers that the variance is learned', async () => {
    const objective = { prediction: 'epsilon', variance: 'learned' } as const;
    const { json, remove } = await exported(smallRecipe({ ...DDPM_FIELDS, objective }));
    expect(await json('model_index.json')).toMatchObject({ _class_name: 'DDPMPipeline' });
    expect(await json('scheduler/scheduler_config.json')).toMatchObject({ variance_type: 'learned_range' });
    expect(await json('unet/config.json')).toMatchObject({ in_channels: 1, out_channels: 2 });
    await remove();
  });

  it.each([
    [
      'volumes',
      { image: { sizePx: 8, depthPx: 4, channels: 1 }, network: { ...smallRecipe().network, kind: 'unet3d' } },
    ],
    ['an image condition', { conditioning: { site: false, image: { kind: 'low-resolution', factor: 2 } } }],
  ] as const)('writes the network alone for %s', async (_, changes) => {
    const { files, remove } = await exported(smallRecipe(changes));
    expect(files).toEqual(['unet/config.json', 'unet/diffusion_pytorch_model.safetensors']);
    await remove();
  });

  it('writes the network alone where diffusers has no scheduler', async () => {
    const { files, remove } = await exported(
      smallRecipe({ process: { kind: 'sub-vp' }, objective: { prediction: 'epsilon' } }),
    );
    expect(files).toEqual(['unet/config.json', 'unet/diffusion_pytorch_model.safetensors']);
    await remove();
  });

  it('refuses weights of another network', async () => {
    const recipe = smallRecipe();
    const request = { recipe, weights: new Float32Array(3), classRows: SMALL_CLASS_ROWS, directory: tmpdir() };
    await expect(exportDiffusers(request)).rejects.toThrow(RangeError);
  });
});
