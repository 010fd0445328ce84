import { embeddingRows } from '@tributary/protocol/recipe';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import type { ApiClient } from '../http/api-client.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { modelCard } from './model-card.js';
import { downloadRelease } from './download-release.js';
import { CARD_FILE, LINEAGE_FILE, SIGNATURE_FILE, readReleasedModel, type ReleasedModel } from './model-folder.js';
import { modelReferenceOf, type ModelReference } from './model-reference.js';
import { assertEmptyOutput, writeNewFolder } from './new-folder.js';
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
  await assertEmptyOutput(directory);
  const model = await downloadRelease(api, reference);
  return writeNewFolder(directory, async (part) => {
    await writeModelFolder(part, model);
    return verifyModel(await readReleasedModel(part));
  });
}

async function writeModelFolder(
  directory: string,
  { lineage, recipe, signature, weights }: ReleasedModel,
): Promise<void> {
  const { exportDiffusers } = await import('@tributary/diffusion');
  const classRows = embeddingRows(recipe, lineage.sites.length);
  await exportDiffusers({ recipe, weights: weights.values, classRows, directory });
  await writeFile(join(directory, LINEAGE_FILE), `${JSON.stringify(lineage, null, 2)}\n`);
  await writeFile(join(directory, SIGNATURE_FILE), `${JSON.stringify(signature, null, 2)}\n`);
  await writeFile(join(directory, CARD_FILE), modelCard(lineage));
}
