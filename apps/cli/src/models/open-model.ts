import { rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { assertWeightsFit } from './folder/assert-weights-fit.js';
import { downloadRelease } from './download/download-release.js';
import { readModelFolder, type Model } from './folder/model-folder.js';
import { isModelReference, modelReferenceOf } from './model-reference.js';
import { verifyModel } from './folder/verify-model.js';
import { keepInCache, weightsCachePath } from './download/weights-cache.js';
import { readFlatWeights } from './folder/weights-file.js';

/**
 * The model that `--model` names: a folder, or where there is none of that name, a release of the coordinator, whose weights are
 * kept for the next command.
 *
 * @throws TributaryError MODEL_INVALID for a folder that is none or whose weights do not fit; as `downloadRelease`.
 */
export async function openModel(context: CommandContext, name: string): Promise<Model> {
  const directory = resolve(context.host.cwd, name);
  const isPulled = !isModelReference(name) || (await isThere(directory));
  const model = isPulled ? await readModelFolder(directory) : await openRelease(context, name);
  await assertWeightsFit(model);
  return model;
}

async function openRelease(context: CommandContext, name: string): Promise<Model> {
  const folder = weightsCachePath(context.host.env);
  const place = { folder, output: context.output };
  const { release, facts, weightsPath } = await downloadRelease(await context.api(), modelReferenceOf(name), place);
  try {
    const model = { ...facts, weights: await readFlatWeights(weightsPath) };
    verifyModel({ release, weights: model.weights });
    await keepInCache(weightsPath, { folder, nowMs: Date.now() });
    return model;
  } catch (error) {
    // The file was what its hash says when it was written: the next call fetches it anew.
    await rm(weightsPath, { force: true });
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
