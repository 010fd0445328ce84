import { TributaryError } from '@tributary/protocol/errors';
import { lineageSchema, type Lineage } from '@tributary/protocol/http';
import { parseOrThrow } from '@tributary/protocol/problem';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { reconstructionSchema } from './reconstruction.js';
import { readFlatWeights, type FlatWeights } from './weights-file.js';

export const LINEAGE_FILE = 'lineage.json';
export const SIGNATURE_FILE = 'signature.json';
export const CARD_FILE = 'MODEL_CARD.md';
/** In place of lineage and signature where a model was put together for trials. */
export const RECONSTRUCTION_FILE = 'reconstruction.json';
const WEIGHTS_FILE = join('unet', 'diffusion_pytorch_model.safetensors');

/** `signature.json`: the coordinator's Ed25519 signature of the lineage's canonical JSON, both base64. */
export const signatureSchema = z.object({ signature: z.string(), publicKey: z.string() });

/** What images are made with. */
export interface Model {
  /** `RUN/ROUND`. */
  readonly version: string;
  /** Of the run, in the order of their rows in the embedding. */
  readonly siteIds: readonly string[];
  readonly recipe: Recipe;
  readonly weights: FlatWeights;
}

/** A model that the sites evaluated and the coordinator signed. */
export interface ReleasedModel extends Model {
  readonly lineage: Lineage;
  readonly signature: z.infer<typeof signatureSchema>;
}

/**
 * Reads a pulled model, or one that was put together for trials.
 *
 * @throws TributaryError MODEL_INVALID when a file is missing or does not fit its schema.
 */
export async function readModelFolder(directory: string): Promise<Model> {
  if (!(await isReconstruction(directory))) return readReleasedModel(directory);
  const document = await readJson(directory, RECONSTRUCTION_FILE);
  const { version, siteIds, recipe, weightsSha256 } = parseOrThrow(reconstructionSchema, document, 'MODEL_INVALID');
  const weights = await readFolderWeights(directory);
  if (weights.sha256 !== weightsSha256) {
    throw new TributaryError('MODEL_INVALID', { detail: `the weights are not those of ${RECONSTRUCTION_FILE}` });
  }
  return { version, siteIds, recipe, weights };
}

/**
 * Reads a pulled model.
 *
 * @throws TributaryError MODEL_NOT_RELEASED for one that was put together for trials; as `readModelFolder`.
 */
export async function readReleasedModel(directory: string): Promise<ReleasedModel> {
  if (await isReconstruction(directory)) throw new TributaryError('MODEL_NOT_RELEASED');
  const lineage = parseOrThrow(lineageSchema, await readJson(directory, LINEAGE_FILE), 'MODEL_INVALID');
  const signature = parseOrThrow(signatureSchema, await readJson(directory, SIGNATURE_FILE), 'MODEL_INVALID');
  return releasedModel(lineage, signature, await readFolderWeights(directory));
}

/** @throws TributaryError MODEL_INVALID when the lineage's recipe is none. */
export function releasedModel(
  lineage: Lineage,
  signature: ReleasedModel['signature'],
  weights: FlatWeights,
): ReleasedModel {
  const recipe = parseOrThrow(recipeSchema, lineage.recipe, 'MODEL_INVALID');
  const siteIds = lineage.sites.map(({ siteId }) => siteId);
  return { version: lineage.version, siteIds, recipe, weights, lineage, signature };
}

/** The weights of a folder of either kind. @throws TributaryError MODEL_INVALID, SAFETENSORS_INVALID. */
export async function readFolderWeights(directory: string): Promise<FlatWeights> {
  return readFlatWeights(await readPart(directory, WEIGHTS_FILE));
}

async function isReconstruction(directory: string): Promise<boolean> {
  return readFile(join(directory, RECONSTRUCTION_FILE)).then(
    () => true,
    () => false,
  );
}

async function readJson(directory: string, name: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readPart(directory, name));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TributaryError('MODEL_INVALID', { detail: `${name} is not JSON` }, { cause: error });
  }
}

async function readPart(directory: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(directory, name));
  } catch (error) {
    throw new TributaryError('MODEL_INVALID', { detail: `${name} cannot be read` }, { cause: error });
  }
}
