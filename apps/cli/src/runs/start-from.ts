import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  assertSameNetwork,
  openDiffusersFolder,
  type DiffusersFolder,
} from '@tributary/diffusion/exchange/diffusers-folder';
import { startingWeights } from '@tributary/diffusion/initial-model';
import { unetConfig } from '@tributary/diffusion/network/unet-config';
import { rawOutputOf } from '@tributary/diffusion/parameterisation/raw-output';
import { openFileBytes } from '@tributary/federation/vectors/byte-source';
import { hashFile } from '@tributary/federation/vectors/file-hash';
import { TributaryError } from '@tributary/protocol/errors';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { z } from 'zod';
import type { CommandContext } from '../command-context.js';
import { sendWeights } from '../http/send-weights.js';
import { Progress } from '../output/progress.js';

/** Which sites will approve is not known yet, so the rows of the class embedding are not looked at. */
const ANY_CLASS_ROWS = 0;

/** A diffusers folder that a run goes on from. */
export interface StartModel {
  readonly folder: DiffusersFolder;
  /** Of the weights' file. */
  readonly sha256: string;
}

/** @throws TributaryError START_MODEL_UNFIT when the folder is none. */
export async function openStartModel(context: CommandContext, directory: string): Promise<StartModel> {
  const folder = await openDiffusersFolder(resolve(context.host.cwd, directory));
  const hash = await hashFile(folder.weightsPath);
  return { folder, sha256: hash.digest('hex') };
}

/** Recipes that start from this model; in the file they need not say so. */
export function recipesFrom({ sha256 }: StartModel) {
  const naming = (typed: object): object => ({ startFrom: { weightsSha256: sha256 }, ...typed });
  return z.looseObject({}).transform(naming).pipe(recipeSchema);
}

/**
 * Holds a model to the recipe that starts from it, and sends its weights to the coordinator.
 *
 * @throws TributaryError START_MODEL_UNFIT, SAFETENSORS_INVALID, or what the coordinator answers.
 */
export async function sendStartModel(
  context: CommandContext,
  recipe: Recipe,
  { folder, sha256 }: StartModel,
): Promise<void> {
  assertSameNetwork(folder, { config: unetConfig(recipe, ANY_CLASS_ROWS), output: rawOutputOf(recipe) });
  await assertWeightsFit(recipe, folder.weightsPath);
  const named = recipe.startFrom?.weightsSha256;
  if (named !== sha256) {
    throw new TributaryError('START_MODEL_UNFIT', {
      detail: `the recipe starts from ${named}, the folder has ${sha256}`,
    });
  }
  const { size: sizeBytes } = await stat(folder.weightsPath);
  const progress = new Progress(context.output, { label: 'Sending weights', total: kilobytes(sizeBytes), unit: 'kB' });
  const api = await context.api();
  const file = { path: folder.weightsPath, sha256, sizeBytes };
  await sendWeights(api, file, (bytes) => progress.update(kilobytes(bytes)));
  progress.finish();
}

async function assertWeightsFit(recipe: Recipe, path: string): Promise<void> {
  const bytes = await openFileBytes(path);
  try {
    const weights = await startingWeights(recipe, undefined, bytes);
    // Each is looked at when it is read.
    for await (const values of weights.values()) if (values.length === 0) break;
  } finally {
    await bytes.close();
  }
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000);
}
