import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { assertWeightsFit } from './assert-weights-fit.js';
import { downloadRelease } from './download-release.js';
import { readModelFolder, type Model } from './model-folder.js';
import { isModelReference, modelReferenceOf } from './model-reference.js';

/**
 * The model that `--model` names: a folder, or where there is none of that name, a release of the coordinator.
 *
 * @throws TributaryError MODEL_INVALID for a folder that is none or whose weights do not fit; as `downloadRelease`.
 */
export async function openModel(context: CommandContext, name: string): Promise<Model> {
  const directory = resolve(context.host.cwd, name);
  const isPulled = !isModelReference(name) || (await isThere(directory));
  const model = isPulled
    ? await readModelFolder(directory)
    : await downloadRelease(await context.api(), modelReferenceOf(name));
  await assertWeightsFit(model);
  return model;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
