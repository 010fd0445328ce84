import { TributaryError } from '@tributary/protocol/errors';
import { releaseSchema, type Lineage, type Release } from '@tributary/protocol/http';
import { parseOrThrow } from '@tributary/protocol/problem';
import type { Recipe } from '@tributary/protocol/recipe';
import { readLineage } from '@tributary/protocol/recorded-lineage';
import { readRecipe } from '@tributary/protocol/recorded-recipe';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reconstructionSchema } from '../averages/reconstruction.js';
import { readFlatWeights, summariseWeights, type FlatWeights, type WeightsSummary } from './weights-file.js';

export const LINEAGE_FILE = 'lineage.json';
export const SIGNATURE_FILE = 'signature.json';
export const CARD_FILE = 'MODEL_CARD.md';
/** In place of lineage and signature where a model was put together for trials. */
export const RECONSTRUCTION_FILE = 'reconstruction.json';
const WEIGHTS_FILE = join('unet', 'diffusion_pytorch_model.safetensors');

/** `signature.json`: the coordinator's Ed25519 signature of the lineage's canonical JSON, both base64. */
const signatureSchema = releaseSchema.pick({ signature: true, publicKey: true });

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

/** What a release says to this version. */
export interface ReleaseFacts extends ModelFacts {
  readonly lineage: Lineage;
}

/** What the coordinator signed, as it was recorded, and what the weights are, which may be larger than the memory. */
export interface SignedModel {
  readonly release: Release;
  readonly weights: Pick<WeightsSummary, 'sha256'>;
}

/**
 * Reads a pulled model, or one that was put together for trials.
 *
 * @throws TributaryError MODEL_INVALID when a file is missing or does not fit its schema, RECIPE_INVALID for another recipe than
 *   the named one, DOCUMENT_UNREADABLE for one of another version.
 */
export async function readModelFolder(directory: string): Promise<Model> {
  await assertFolder(directory);
  if (!(await isReconstruction(directory))) {
    const facts = releaseFacts(await readRelease(directory));
    return { ...facts, weights: await ofFolder(directory, readFlatWeights) };
  }
  const document = await readJson(directory, RECONSTRUCTION_FILE);
  const made = parseOrThrow(reconstructionSchema, document, 'MODEL_INVALID');
  const weights = await ofFolder(directory, readFlatWeights);
  if (weights.sha256 !== made.weightsSha256) {
    throw new TributaryError('MODEL_INVALID', { detail: `the weights are not those of ${RECONSTRUCTION_FILE}` });
  }
  return { version: made.version, siteIds: made.siteIds, recipe: readRecipe(made), weights };
}

/**
 * Reads a pulled model as far as it takes to verify it, with little memory.
 *
 * @throws TributaryError MODEL_NOT_RELEASED for one that was put together for trials, MODEL_INVALID when a file is missing or broken.
 */
export async function readSignedModel(directory: string): Promise<SignedModel> {
  if (await isReconstruction(directory)) throw new TributaryError('MODEL_NOT_RELEASED');
  return { release: await readRelease(directory), weights: await summariseFolderWeights(directory) };
}

/** What a release says to this version; it is verified before. @throws TributaryError RECIPE_INVALID, DOCUMENT_UNREADABLE. */
export function releaseFacts({ lineage: document }: Release): ReleaseFacts {
  const lineage = readLineage(document);
  const siteIds = lineage.sites.map(({ siteId }) => siteId);
  return { version: lineage.version, siteIds, recipe: readRecipe(lineage), lineage };
}

/** What the weights of a folder of either kind are. @throws TributaryError MODEL_INVALID, SAFETENSORS_INVALID. */
export function summariseFolderWeights(directory: string): Promise<WeightsSummary> {
  return ofFolder(directory, summariseWeights);
}

async function readRelease(directory: string): Promise<Release> {
  const lineage = await readJson(directory, LINEAGE_FILE);
  const signature = parseOrThrow(signatureSchema, await readJson(directory, SIGNATURE_FILE), 'MODEL_INVALID');
  return parseOrThrow(releaseSchema, { lineage, ...signature }, 'MODEL_INVALID');
}

async function ofFolder<T>(directory: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(join(directory, WEIGHTS_FILE));
  } catch (error) {
    throw error instanceof TributaryError ? error : unreadable(WEIGHTS_FILE, error);
  }
}

async function assertFolder(directory: string): Promise<void> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere)
    throw new TributaryError('MODEL_INVALID', { detail: 'there is no such folder, and no run has this name' });
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
