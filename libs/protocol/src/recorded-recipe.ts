import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TributaryError } from './errors.js';
import { sha256Schema } from './identifiers.js';
import { coveredBytes, readDocument, recordDocument, recordedDocumentSchema } from './recorded-document.js';
import type { RecordedDocument } from './recorded-document.js';
import { recipeSchema, type Recipe } from './recipe.js';
import { SOFTWARE_VERSION } from './software-version.js';

/**
 * A recipe as the coordinator accepted it, with the defaults of that day: stored, served and kept by sites as this very JSON.
 * `GET /v1/runs/:id/recipe` answers with it.
 */
export const recordedRecipeSchema = z.object({
  recipeSha256: sha256Schema,
  recipe: recordedDocumentSchema,
  /** Version of the coordinator that accepted it. */
  writtenBy: z.string().max(100).nullable().default(null),
});
export type RecordedRecipe = z.infer<typeof recordedRecipeSchema>;

/** SHA-256 (lower-case hex) of a recorded recipe's canonical JSON: what sites approve. */
export function recipeHash(document: RecordedDocument): string {
  return createHash('sha256').update(coveredBytes(document)).digest('hex');
}

/** Records a recipe that is proposed now; the only place where a parsed recipe becomes one that is hashed. */
export function recordRecipe(recipe: Recipe): RecordedRecipe {
  const document = recordDocument(recipe);
  return { recipeSha256: recipeHash(document), recipe: document, writtenBy: SOFTWARE_VERSION };
}

/** @throws TributaryError RECIPE_INVALID when the recorded recipe is not the one that its hash names. */
export function assertRecipeHash({ recipeSha256, recipe }: RecordedRecipe): void {
  if (recipeHash(recipe) === recipeSha256) return;
  throw new TributaryError('RECIPE_INVALID', { detail: 'its hash is not the proposed one' });
}

/**
 * What a recorded recipe says to this version: fields that came later have their defaults.
 *
 * @throws TributaryError RECIPE_INVALID when it is not the one that its hash names, DOCUMENT_UNREADABLE when this version no
 *   longer, or not yet, accepts it.
 */
export function readRecipe(recorded: RecordedRecipe): Recipe {
  assertRecipeHash(recorded);
  return readDocument(recipeSchema, recorded.recipe, { kind: 'recipe', writtenBy: recorded.writtenBy });
}
