import {
  TributaryError,
  readRecipe,
  recordedRecipeSchema,
  type Recipe,
  type RecordedRecipe,
} from '@tributary/protocol';

/** Columns of a run that hold its recipe as it was accepted. */
export const RECORDED_RECIPE = { recipe: true, recipeSha256: true, writtenBy: true } as const;

/** These columns as the database gives them. */
export interface RecipeColumns {
  readonly recipe: unknown;
  readonly recipeSha256: string;
  readonly writtenBy: string | null;
}

/** The recipe as it was accepted: what is served and signed. */
export function storedRecipe({ recipe, recipeSha256, writtenBy }: RecipeColumns): RecordedRecipe {
  return recordedRecipeSchema.parse({ recipe, recipeSha256, writtenBy });
}

/** By hash, which was checked when a recipe was read first: recipes never change, so parsed ones stay right. */
const known = new Map<string, Recipe>();

/** A recipe that was read before; undefined for others. */
export function knownRecipe(recipeSha256: string): Recipe | undefined {
  return known.get(recipeSha256);
}

/** What it says to this version; parsed once. @throws TributaryError RECIPE_INVALID, DOCUMENT_UNREADABLE. */
export function readStoredRecipe(columns: RecipeColumns): Recipe {
  const recipe = knownRecipe(columns.recipeSha256) ?? readRecipe(storedRecipe(columns));
  known.set(columns.recipeSha256, recipe);
  return recipe;
}

/** As {@link readStoredRecipe} where work for all runs must not fail for one; null when this version cannot read it. */
export function readableRecipe(columns: RecipeColumns): Recipe | null {
  try {
    return readStoredRecipe(columns);
  } catch (error) {
    if (error instanceof TributaryError) return null;
    throw error;
  }
}
