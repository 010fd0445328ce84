import { embeddingRows } from '@tributary/protocol/recipe';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import type { ApiClient } from '../../http/api-client.js';
import type { Output } from '../../output/output.js';
import { argumentAt, parseVerbOptions } from '../../verb-options.js';
import { modelCard } from '../folder/model-card.js';
import { downloadRelease, type DownloadedRelease } from './download-release.js';
import { CARD_FILE, LINEAGE_FILE, SIGNATURE_FILE, readSignedModel } from '../folder/model-folder.js';
import { modelReferenceOf, type ModelReference } from '../model-reference.js';
import { assertEmptyOutput, downloadsOf, writeNewFolder } from '../folder/new-folder.js';
import { verifyModel, type VerifiedModel } from '../folder/verify-model.js';
import { openWeightsFile } from '../folder/weights-file.js';

export const pullModelVerb: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const directory = resolve(context.host.cwd, out);
  const reference = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const verified = await pullModel(await context.api(), { reference, directory, output: context.output });
  context.output.document({ ...verified, path: directory }, `${verified.version} is in ${directory} and verified.`);
};

interface PullRequest {
  readonly reference: ModelReference;
  /** Does not exist yet. */
  readonly directory: string;
  readonly output?: Output;
}

/**
 * Downloads a run's release into a folder that does not exist yet, and checks it before the folder appears. Until then what has
 * arrived lies beside it, and a later call goes on with it. It takes little memory, whatever the model.
 *
 * @throws TributaryError OUTPUT_NOT_OURS; as `downloadRelease`.
 */
export async function pullModel(api: ApiClient, { reference, directory, output }: PullRequest): Promise<VerifiedModel> {
  await assertEmptyOutput(directory);
  const folder = downloadsOf(directory);
  const downloaded = await downloadRelease(api, reference, { folder, output });
  const verified = await writeNewFolder(directory, async (part) => {
    await writeModelFolder(part, downloaded);
    return verifyModel(await readSignedModel(part));
  });
  await rm(folder, { recursive: true });
  return verified;
}

async function writeModelFolder(
  directory: string,
  { release, facts: { lineage, recipe }, weightsPath }: DownloadedRelease,
): Promise<void> {
  const { exportDiffusers } = await import('@tributary/diffusion');
  const classRows = embeddingRows(recipe, lineage.sites.length);
  const weights = await openWeightsFile(weightsPath);
  try {
    await exportDiffusers({ recipe, weights: weights.pieces(), classRows, directory });
  } finally {
    await weights.close();
  }
  const { lineage: document, ...signature } = release;
  await writeFile(join(directory, LINEAGE_FILE), `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(join(directory, SIGNATURE_FILE), `${JSON.stringify(signature, null, 2)}\n`);
  await writeFile(join(directory, CARD_FILE), modelCard(lineage));
}
