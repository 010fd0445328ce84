import type { Recipe } from '@tributary/protocol';
import { writeParameterFile, type ParameterValues } from '@tributary/safetensors';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unetConfig } from '../network/unet-config.js';
import { unetParameters } from '../network/unet-parameters.js';
import { unetStructure } from '../network/unet-structure.js';
import { pipelineFiles, unetConfigFile } from './diffusers-config.js';

export interface DiffusersExport {
  readonly recipe: Recipe;
  /** Flat weights in manifest order. */
  readonly weights: ParameterValues;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Folder to write; made when it does not exist. */
  readonly directory: string;
}

/** Names within a diffusers folder. */
export const DIFFUSERS_FILES = {
  index: 'model_index.json',
  scheduler: join('scheduler', 'scheduler_config.json'),
  networkConfig: join('unet', 'config.json'),
  weights: join('unet', 'diffusion_pytorch_model.safetensors'),
} as const;

/**
 * Writes a folder that diffusers opens with `from_pretrained`: pipeline index, scheduler, `UNet2DModel`.
 *
 * Where diffusers has no scheduler for the process (sub-VP, VE, NCSN), the network alone is written.
 * The weights keep their names, layout and bytes: the file is the same as Tributary's own.
 *
 * @throws RangeError when the number of weights is not the network's.
 */
export async function exportDiffusers({ recipe, weights, classRows, directory }: DiffusersExport): Promise<void> {
  const config = unetConfig(recipe, classRows);
  const manifest = unetParameters(unetStructure(config)).map(({ name, shape }) => ({ name, shape: [...shape] }));
  await mkdir(join(directory, 'unet'), { recursive: true });
  await writeParameterFile(join(directory, DIFFUSERS_FILES.weights), { manifest, flat: weights });
  await writeJson(join(directory, DIFFUSERS_FILES.networkConfig), unetConfigFile(config));
  const pipeline = pipelineFiles(recipe);
  if (!pipeline) return;
  await mkdir(join(directory, 'scheduler'), { recursive: true });
  await writeJson(join(directory, DIFFUSERS_FILES.scheduler), pipeline.scheduler);
  await writeJson(join(directory, DIFFUSERS_FILES.index), pipeline.index);
}

async function writeJson(path: string, content: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
}
