import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { assertSameNetwork, openDiffusersFolder } from '@tributary/diffusion/exchange/diffusers-folder';
import { startingWeights } from '@tributary/diffusion/initial-model';
import { unetConfig } from '@tributary/diffusion/network/unet-config';
import { rawOutputOf } from '@tributary/diffusion/parameterisation/raw-output';
import { openFileBytes } from '@tributary/federation/vectors/byte-source';
import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import type { CommandContext } from '../command-context.js';
import { sendWeights } from '../http/send-weights.js';
import { Progress } from '../output/progress.js';

/** Rows of a class embedding are made anew where they do not fit, so their number does not matter here. */
const ANY_CLASS_ROWS = 0;
const ANY_SITE_COUNT = 1;

/**
 * Holds the model of a diffusers folder to a recipe and sends its weights to the coordinator.
 *
 * @returns The recipe that names them.
 * @throws TributaryError START_MODEL_UNFIT, SAFETENSORS_INVALID, or what the coordinator answers.
 */
export async function startedFrom(context: CommandContext, recipe: Recipe, directory: string): Promise<Recipe> {
  const model = await openDiffusersFolder(resolve(context.host.cwd, directory));
  assertSameNetwork(model, { config: unetConfig(recipe, ANY_CLASS_ROWS), output: rawOutputOf(recipe) });
  await assertWeightsFit(recipe, model.weightsPath);
  const hash = createHash('sha256');
  await pipeline(createReadStream(model.weightsPath), hash);
  const sha256 = hash.digest('hex');
  const named = recipe.startFrom?.weightsSha256;
  if (named !== undefined && named !== sha256) {
    throw new TributaryError('START_MODEL_UNFIT', {
      detail: `the recipe starts from ${named}, the folder has ${sha256}`,
    });
  }
  const { size: sizeBytes } = await stat(model.weightsPath);
  const progress = new Progress(context.output, { label: 'sending weights', total: kilobytes(sizeBytes), unit: 'kB' });
  const api = await context.api();
  await sendWeights(api, { path: model.weightsPath, sha256, sizeBytes }, (bytes) => progress.update(kilobytes(bytes)));
  progress.finish();
  return { ...recipe, startFrom: { weightsSha256: sha256 } };
}

async function assertWeightsFit(recipe: Recipe, path: string): Promise<void> {
  const bytes = await openFileBytes(path);
  try {
    const weights = await startingWeights(recipe, ANY_SITE_COUNT, bytes);
    // Each is looked at when it is read.
    for await (const values of weights.values()) if (values.length === 0) break;
  } finally {
    await bytes.close();
  }
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000);
}
