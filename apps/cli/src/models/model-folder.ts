import { TributaryError } from '@tributary/protocol/errors';
import { lineageSchema, type Lineage } from '@tributary/protocol/http';
import { parseOrThrow } from '@tributary/protocol/problem';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { reconstructionSchema } from './reconstruction.js';
import { readFlatWeights, summariseWeights, type FlatWeights, type WeightsSummary } from './weights-file.js';

export const LINEAGE_FILE = 'lineage.json';
export const SIGNATURE_FILE = 'signature.json';
export const CARD_FILE = 'MODEL_CARD.md';
/** In place of lineage and signature where a model was put together for trials. */
export const RECONSTRUCTION_FILE = 'reconstruction.json';
const WEIGHTS_FILE = join('unet', 'diffusion_pytorch_model.safetensors');

/** `signature.json`: the coordinator's Ed25519 signature of the lineage's canonical JSON, both base64. */
export const signatureSchema = z.object({ signature: z.string(), publicKey: z.string() });

/** What is known of a model beside its weights. */
interface ModelFacts {
  /** `RUN/ROUND`. */
  readonly version: string;
  /** Of the run, in the order of their rows in the embedding. */
  readonly siteIds: readonly string[];
  readonly recipe: Recipe;
}

/** What images are made with. */
export interface Model extends ModelFacts {
  readonly weights: FlatWeights;
}

/** What the sites evaluated and the coordinator signed. */
export interface Release extends ModelFacts {
  readonly lineage: Lineage;
  readonly signature: z.infer<typeof signatureSchema>;
}

/** A release with what its weights are, which may be larger than the memory. */
export interface ReleasedModel extends Release {
  readonly weights: WeightsSummary;
}

/**
 * Reads a pulled model, or one that was put together for trials.
 *
 * @throws TributaryError MODEL_INVALID when a file is missing or does not fit its schema.
 */
export async function readModelFolder(directory: string): Promise<Model> {
  if (!(await isReconstruction(directory))) {
    return { ...(await readRelease(directory)), weights: await ofFolder(directory, readFlatWeights) };
  }
  const document = await readJson(directory, RECONSTRUCTION_FILE);
  const { version, siteIds, recipe, weightsSha256 } = parseOrThrow(reconstructionSchema, document, 'MODEL_INVALID');
  const weights = await ofFolder(directory, readFlatWeights);
  if (weights.sha256 !== weightsSha256) {
    throw new TributaryError('MODEL_INVALID', { detail: `the weights are not those of ${RECONSTRUCTION_FILE}` });
  }
  return { version, siteIds, recipe, weights };
}

/**
 * Reads a pulled model, with little memory.
 *
 * @throws TributaryError MODEL_NOT_RELEASED for one that was put together for trials; as `readModelFolder`.
 */
export async function readReleasedModel(directory: string): Promise<ReleasedModel> {
  if (await isReconstruction(directory)) throw new TributaryError('MODEL_NOT_RELEASED');
  return { ...(await readRelease(directory)), weights: await summariseFolderWeights(directory) };
}

/** @throws TributaryError MODEL_INVALID when the lineage's recipe is none. */
export function releaseOf(lineage: Lineage, signature: Release['signature']): Release {
  const recipe = parseOrThrow(recipeSchema, lineage.recipe, 'MODEL_INVALID');
  const siteIds = lineage.sites.map(({ siteId }) => siteId);
  return { version: lineage.version, siteIds, recipe, lineage, signature };
}

/** What the weights of a folder of either kind are. @throws TributaryError MODEL_INVALID, SAFETENSORS_INVALID. */
export function summariseFolderWeights(directory: string): Promise<WeightsSummary> {
  return ofFolder(directory, summariseWeights);
}

async function readRelease(directory: string): Promise<Release> {
  const lineage = parseOrThrow(lineageSchema, await readJson(directory, LINEAGE_FILE), 'MODEL_INVALID');
  const signature = parseOrThrow(signatureSchema, await readJson(directory, SIGNATURE_FILE), 'MODEL_INVALID');
  return releaseOf(lineage, signature);
}

async function ofFolder<T>(directory: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(join(directory, WEIGHTS_FILE));
  } catch (error) {
    throw error instanceof TributaryError ? error : unreadable(WEIGHTS_FILE, error);
  }
}

async function isReconstruction(directory: string): Promise<boolean> {
  return readFile(join(directory, RECONSTRUCTION_FILE)).then(
    () => true,
    () => false,
  );
}

async function readJson(directory: string, name: string): Promise<unknown> {
  const text = await readFile(join(directory, name), 'utf8').catch((error: unknown) => {
    throw unreadable(name, error);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TributaryError('MODEL_INVALID', { detail: `${name} is not JSON` }, { cause: error });
  }
}

function unreadable(name: string, cause: unknown): TributaryError {
  return new TributaryError('MODEL_INVALID', { detail: `${name} cannot be read` }, { cause });
}
