import { TributaryError } from '@tributary/protocol/errors';
import { modelVersionSchema, runViewSchema } from '@tributary/protocol/http';
import { canonicalJson } from '@tributary/protocol/canonical-json';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { readRecipe, recordedRecipeSchema } from '@tributary/protocol/recorded-recipe';
import { emaWidthSchema } from '@tributary/protocol/server-ema';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../../command-context.js';
import type { ApiClient } from '../../http/api-client.js';
import type { Output } from '../../output/output.js';
import { argumentAt, parseVerbOptions } from '../../verb-options.js';
import { downloadWeights } from '../download/download-weights.js';
import { keptAverages, partsOfAverage, unreachable, type AveragePart } from './kept-averages.js';
import { CARD_FILE, RECONSTRUCTION_FILE, summariseFolderWeights } from '../folder/model-folder.js';
import { modelReferenceOf, type ModelReference } from '../model-reference.js';
import { assertEmptyOutput, downloadsOf, writeNewFolder } from '../folder/new-folder.js';
import { reconstructionCard, type Reconstruction } from './reconstruction.js';
import { RunningSum } from './running-sum.js';
import { formatNumberOf, formatResidual } from '../../output/quantities.js';

const optionsSchema = z.object({
  out: z.string().min(1),
  emaWidth: z.coerce.number({ error: 'a number such as 0.15' }).pipe(emaWidthSchema),
});

/** `tributary model reconstruct`: the average of another width, for trials. */
export const reconstructModelVerb: Action = async (context, { arguments: values, options }) => {
  const { out, emaWidth } = parseVerbOptions(optionsSchema, options);
  const directory = resolve(context.host.cwd, out);
  const reference = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const request = { reference, width: emaWidth, directory, output: context.output };
  const made = await reconstructModel(await context.api(), request);
  const { version, residual, parts, weightsSha256 } = made;
  const text = `${version} with width ${emaWidth} is in ${directory}, from ${formatNumberOf(parts.length, 'average')}, its profile ${formatResidual(residual)} off. It is not released.`;
  context.output.document({ version, width: emaWidth, residual, parts, weightsSha256, path: directory }, text);
};

export interface ReconstructionRequest {
  readonly reference: ModelReference;
  /** Standard deviation of the average's profile as a share of the rounds. */
  readonly width: number;
  /** Does not exist yet. */
  readonly directory: string;
  readonly output?: Output;
}

/**
 * Puts an average of another width together from those that are kept of a run, in a diffusers folder that says that it is not
 * released. What was added up lies beside it until then, and a later call goes on with it. It takes little memory and the disk
 * of five models, however many averages are added up.
 *
 * @throws TributaryError EMA_WIDTH_UNREACHABLE, OUTPUT_NOT_OURS, NOT_FOUND, MODEL_VERIFY_FAILED for a file that is not what its
 *   name says; as `downloadWeights`.
 */
export async function reconstructModel(api: ApiClient, request: ReconstructionRequest): Promise<Reconstruction> {
  const { reference, directory, output } = request;
  await assertEmptyOutput(directory);
  const recorded = await api.get(`/v1/runs/${reference.runId}/recipe`, recordedRecipeSchema);
  const recipe = readRecipe(recorded);
  if (recipe.serverEma.kind !== 'power-function') {
    throw unreachable(`the run keeps one average, serverEma.kind ${recipe.serverEma.kind}`);
  }
  const { sites: siteIds } = await api.get(`/v1/runs/${reference.runId}`, runViewSchema);
  const versions = await api.get(`/v1/models?runId=${reference.runId}`, z.array(modelVersionSchema));
  const round = reference.round ?? versions.at(-1)?.round ?? 0;
  const version = `${reference.runId}/${round}`;
  if (!versions.some((each) => each.version === version)) throw new TributaryError('NOT_FOUND', { detail: version });
  const wanted = { round, width: request.width };
  const { parts, residual } = partsOfAverage(keptAverages(versions, recipe.serverEma, round), wanted);
  const folder = downloadsOf(directory);
  const sum = await addUp(api, parts, { folder, output });
  const facts = { released: false, version, siteIds, ...recorded, width: wanted.width, residual } as const;
  const made = await writeReconstruction(directory, { ...facts, parts }, { recipe, sum });
  await rm(folder, { recursive: true });
  return made;
}

/** Σ weight · part, one part on disk at a time. */
async function addUp(
  api: ApiClient,
  parts: readonly AveragePart[],
  { folder, output }: { readonly folder: string; readonly output: Output | undefined },
): Promise<RunningSum> {
  await mkdir(folder, { recursive: true });
  const name = createHash('sha256').update(canonicalJson(parts)).digest('hex');
  const sum = await RunningSum.open({ folder, name });
  for (const [index, { sha256, weight }] of [...parts.entries()].slice(sum.count)) {
    const label = `Average ${index + 1} of ${parts.length}`;
    const path = await downloadWeights(api, sha256, { folder, output, label });
    await sum.add(path, weight);
    await rm(path);
  }
  return sum;
}

async function writeReconstruction(
  directory: string,
  facts: Omit<Reconstruction, 'weightsSha256'>,
  { recipe, sum }: { readonly recipe: Recipe; readonly sum: RunningSum },
): Promise<Reconstruction> {
  const { exportDiffusers } = await import('@tributary/diffusion');
  const classRows = embeddingRows(recipe, facts.siteIds.length);
  return writeNewFolder(directory, async (part) => {
    await exportDiffusers({ recipe, weights: sum.values(), classRows, directory: part });
    const reconstruction = { ...facts, weightsSha256: (await summariseFolderWeights(part)).sha256 };
    await writeFile(join(part, RECONSTRUCTION_FILE), `${JSON.stringify(reconstruction, null, 2)}\n`);
    await writeFile(join(part, CARD_FILE), reconstructionCard(reconstruction));
    return reconstruction;
  });
}
