import { TributaryError } from '@tributary/protocol/errors';
import { modelVersionSchema, runRecipeSchema, runViewSchema } from '@tributary/protocol/http';
import { embeddingRows } from '@tributary/protocol/recipe';
import { emaWidthSchema } from '@tributary/protocol/server-ema';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import type { ApiClient } from '../http/api-client.js';
import { Progress } from '../output/progress.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { keptAverages, partsOfAverage, unreachable, type AveragePart } from './kept-averages.js';
import { CARD_FILE, RECONSTRUCTION_FILE, readFolderWeights } from './model-folder.js';
import { modelReferenceOf, type ModelReference } from './model-reference.js';
import { assertEmptyOutput, writeNewFolder } from './new-folder.js';
import { reconstructionCard, type Reconstruction } from './reconstruction.js';
import { readFlatWeights } from './weights-file.js';

const optionsSchema = z.object({
  out: z.string().min(1),
  emaWidth: z.coerce.number({ error: 'a number such as 0.15' }).pipe(emaWidthSchema),
});

/** `tributary model reconstruct`: the average of another width, for trials. */
export const reconstructModelVerb: Action = async (context, { arguments: values, options }) => {
  const { out, emaWidth } = parseVerbOptions(optionsSchema, options);
  const directory = resolve(context.host.cwd, out);
  const reference = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const progress = new Progress(context.output, { label: 'Adding up', total: 0, unit: 'averages' });
  const onPart = (done: number, total: number): void => progress.update(done, total);
  const made = await reconstructModel(await context.api(), { reference, width: emaWidth, directory, onPart });
  progress.finish();
  const { version, residual, parts, weightsSha256 } = made;
  const text = `${version} with width ${emaWidth} is in ${directory}, from ${parts.length} average(s), its profile ${(100 * residual).toPrecision(2)} % off. It is not released.`;
  context.output.document({ version, width: emaWidth, residual, parts, weightsSha256, path: directory }, text);
};

export interface ReconstructionRequest {
  readonly reference: ModelReference;
  /** Standard deviation of the average's profile as a share of the rounds. */
  readonly width: number;
  /** Does not exist yet. */
  readonly directory: string;
  readonly onPart?: (done: number, total: number) => void;
}

/**
 * Puts an average of another width together from those that are kept of a run, in a diffusers folder that says that it is not
 * released. Memory is that of a few models, however many averages are added up.
 *
 * @throws TributaryError EMA_WIDTH_UNREACHABLE, OUTPUT_NOT_OURS, NOT_FOUND, MODEL_VERIFY_FAILED for a file that is not what its
 *   name says, or what the coordinator answered.
 */
export async function reconstructModel(api: ApiClient, request: ReconstructionRequest): Promise<Reconstruction> {
  const { reference, directory, onPart } = request;
  await assertEmptyOutput(directory);
  const { recipe, recipeSha256 } = await api.get(`/v1/runs/${reference.runId}/recipe`, runRecipeSchema);
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
  const values = await addUp(api, parts, onPart);
  const facts = { released: false, version, siteIds, recipeSha256, recipe, width: wanted.width, residual } as const;
  return writeReconstruction(directory, { ...facts, parts }, values);
}

/** Σ weight · part, one part in memory at a time. */
async function addUp(
  api: ApiClient,
  parts: readonly AveragePart[],
  onPart: ReconstructionRequest['onPart'],
): Promise<Float32Array> {
  let sum = new Float64Array(0);
  for (const [index, { sha256, weight, round }] of parts.entries()) {
    const part = readFlatWeights(await api.bytes(`/v1/blobs/${sha256}`));
    if (part.sha256 !== sha256) {
      throw new TributaryError('MODEL_VERIFY_FAILED', { detail: `an average of round ${round}` });
    }
    if (index === 0) sum = new Float64Array(part.values.length);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (part.values[i] ?? 0);
    onPart?.(index + 1, parts.length);
  }
  return Float32Array.from(sum);
}

async function writeReconstruction(
  directory: string,
  facts: Omit<Reconstruction, 'weightsSha256'>,
  weights: Float32Array,
): Promise<Reconstruction> {
  const { exportDiffusers } = await import('@tributary/diffusion');
  const { recipe, siteIds } = facts;
  return writeNewFolder(directory, async (part) => {
    await exportDiffusers({ recipe, weights, classRows: embeddingRows(recipe, siteIds.length), directory: part });
    const reconstruction = { ...facts, weightsSha256: (await readFolderWeights(part)).sha256 };
    await writeFile(join(part, RECONSTRUCTION_FILE), `${JSON.stringify(reconstruction, null, 2)}\n`);
    await writeFile(join(part, CARD_FILE), reconstructionCard(reconstruction));
    return reconstruction;
  });
}
