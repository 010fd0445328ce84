import { TributaryError } from '@tributary/protocol/errors';
import { lineageSchema, type Lineage } from '@tributary/protocol/http';
import { parseOrThrow } from '@tributary/protocol/problem';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readFlatWeights, type FlatWeights } from './weights-file.js';

export const LINEAGE_FILE = 'lineage.json';
export const SIGNATURE_FILE = 'signature.json';
export const CARD_FILE = 'MODEL_CARD.md';
const WEIGHTS_FILE = join('unet', 'diffusion_pytorch_model.safetensors');

/** `signature.json`: the coordinator's Ed25519 signature of the lineage's canonical JSON, both base64. */
export const signatureSchema = z.object({ signature: z.string(), publicKey: z.string() });

export interface ModelFolder {
  readonly lineage: Lineage;
  readonly recipe: Recipe;
  readonly signature: z.infer<typeof signatureSchema>;
  readonly weights: FlatWeights;
}

/**
 * Reads a pulled model.
 *
 * @throws TributaryError MODEL_INVALID when a file is missing or does not fit its schema.
 */
export async function readModelFolder(directory: string): Promise<ModelFolder> {
  const lineage = parseOrThrow(lineageSchema, await readJson(directory, LINEAGE_FILE), 'MODEL_INVALID');
  const signature = parseOrThrow(signatureSchema, await readJson(directory, SIGNATURE_FILE), 'MODEL_INVALID');
  const recipe = parseOrThrow(recipeSchema, lineage.recipe, 'MODEL_INVALID');
  return { lineage, recipe, signature, weights: readFlatWeights(await readPart(directory, WEIGHTS_FILE)) };
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
