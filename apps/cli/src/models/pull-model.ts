import { TributaryError } from '@tributary/protocol/errors';
import { releaseSchema, type Release } from '@tributary/protocol/http';
import { parseOrThrow } from '@tributary/protocol/problem';
import { embeddingRows, recipeSchema } from '@tributary/protocol/recipe';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import type { ApiClient } from '../http/api-client.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { modelCard } from './model-card.js';
import { CARD_FILE, LINEAGE_FILE, SIGNATURE_FILE, readModelFolder } from './model-folder.js';
import { modelReferenceOf } from './model-reference.js';
import { verifyModel, type VerifiedModel } from './verify-model.js';
import { readFlatWeights } from './weights-file.js';

export const pullModelVerb: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const directory = resolve(context.host.cwd, out);
  const { runId } = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const verified = await pullModel(await context.api(), { runId, directory });
  context.output.document({ ...verified, path: directory }, `${verified.version} is in ${directory} and verified.`);
};

/**
 * Downloads a run's release into a folder that does not exist yet, and checks it before the folder appears.
 *
 * @throws TributaryError OUTPUT_NOT_OURS, MODEL_VERIFY_FAILED, or what the coordinator answered.
 */
export async function pullModel(
  api: ApiClient,
  { runId, directory }: { readonly runId: string; readonly directory: string },
): Promise<VerifiedModel> {
  if (await isFilled(directory)) throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out' });
  const release = await api.get(`/v1/releases/${runId}`, releaseSchema);
  const weights = readFlatWeights(await api.bytes(`/v1/blobs/${release.lineage.emaSha256}`));
  if (weights.sha256 !== release.lineage.emaSha256) {
    throw new TributaryError('MODEL_VERIFY_FAILED', { detail: 'the downloaded weights are not those of the lineage' });
  }
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await writeModelFolder(part, release, weights.values);
  const verified = verifyModel(await readModelFolder(part));
  await rm(directory, { recursive: true, force: true });
  await rename(part, directory);
  return verified;
}

async function writeModelFolder(directory: string, release: Release, weights: Float32Array): Promise<void> {
  const { lineage, signature, publicKey } = release;
  const recipe = parseOrThrow(recipeSchema, lineage.recipe, 'MODEL_INVALID');
  const { exportDiffusers } = await import('@tributary/diffusion');
  await exportDiffusers({ recipe, weights, classRows: embeddingRows(recipe, lineage.sites.length), directory });
  await writeFile(join(directory, LINEAGE_FILE), `${JSON.stringify(lineage, null, 2)}\n`);
  await writeFile(join(directory, SIGNATURE_FILE), `${JSON.stringify({ signature, publicKey }, null, 2)}\n`);
  await writeFile(join(directory, CARD_FILE), modelCard(lineage));
}

async function isFilled(directory: string): Promise<boolean> {
  return readdir(directory).then(
    (names) => names.length > 0,
    () => false,
  );
}
