import { TributaryError } from '@tributary/protocol/errors';
import { embeddingRows } from '@tributary/protocol/recipe';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import type { ApiClient } from '../http/api-client.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { modelCard } from './model-card.js';
import { downloadRelease } from './download-release.js';
import { CARD_FILE, LINEAGE_FILE, SIGNATURE_FILE, readModelFolder, type ModelFolder } from './model-folder.js';
import { modelReferenceOf, type ModelReference } from './model-reference.js';
import { verifyModel, type VerifiedModel } from './verify-model.js';

export const pullModelVerb: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const directory = resolve(context.host.cwd, out);
  const reference = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const verified = await pullModel(await context.api(), { reference, directory });
  context.output.document({ ...verified, path: directory }, `${verified.version} is in ${directory} and verified.`);
};

/**
 * Downloads a run's release into a folder that does not exist yet, and checks it before the folder appears.
 *
 * @throws TributaryError OUTPUT_NOT_OURS; as `downloadRelease`.
 */
export async function pullModel(
  api: ApiClient,
  { reference, directory }: { readonly reference: ModelReference; readonly directory: string },
): Promise<VerifiedModel> {
  if (await isFilled(directory)) throw new TributaryError('OUTPUT_NOT_OURS', { detail: '--out' });
  const model = await downloadRelease(api, reference);
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await writeModelFolder(part, model);
  const verified = verifyModel(await readModelFolder(part));
  await rm(directory, { recursive: true, force: true });
  await rename(part, directory);
  return verified;
}

async function writeModelFolder(
  directory: string,
  { lineage, recipe, signature, weights }: ModelFolder,
): Promise<void> {
  const { exportDiffusers } = await import('@tributary/diffusion');
  const classRows = embeddingRows(recipe, lineage.sites.length);
  await exportDiffusers({ recipe, weights: weights.values, classRows, directory });
  await writeFile(join(directory, LINEAGE_FILE), `${JSON.stringify(lineage, null, 2)}\n`);
  await writeFile(join(directory, SIGNATURE_FILE), `${JSON.stringify(signature, null, 2)}\n`);
  await writeFile(join(directory, CARD_FILE), modelCard(lineage));
}

async function isFilled(directory: string): Promise<boolean> {
  return readdir(directory).then(
    (names) => names.length > 0,
    () => false,
  );
}
