import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import type { Recipe } from './recipe.js';

/** SHA-256 (lower-case hex) of the recipe's canonical JSON, defaults filled in: what sites approve. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256').update(canonicalJson(recipe)).digest('hex');
}
