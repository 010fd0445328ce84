import { embeddingRow, type Recipe } from '@tributary/protocol/recipe';
import { isLesion } from './demo-sites.js';
import { filmedRounds } from './film-rounds.js';

/** Synthetic images of a site and class on the contact sheet and in the comparison. */
export const IMAGES_PER_CELL = 4;

/** One image to draw. */
export interface SampleCell {
  readonly siteIndex: number;
  readonly classIndex: number;
  readonly seed: number;
}

/** What is drawn after every filmed round: each site and each class without lesion, always from the same seeds. */
export function filmCells(recipe: Recipe, siteCount: number): SampleCell[] {
  const classIndices = recipe.classes.flatMap((name, index) => (isLesion(name) ? [] : [index]));
  return classIndices
    .flatMap((classIndex) => sitesOf(recipe, siteCount).map((siteIndex) => ({ siteIndex, classIndex, seed: 0 })))
    .map((cell, seed) => ({ ...cell, seed }));
}

/** What the released model draws: every class for every site, a few of each. */
export function sheetCells(recipe: Recipe, siteCount: number): SampleCell[] {
  const cells = recipe.classes.flatMap((_, classIndex) =>
    sitesOf(recipe, siteCount).flatMap((siteIndex) =>
      Array.from({ length: IMAGES_PER_CELL }, () => ({ siteIndex, classIndex })),
    ),
  );
  return cells.map((cell, index) => ({ ...cell, seed: 1000 + index }));
}

/** The rows of the class embedding that cells are drawn with. */
export function rowsOf(recipe: Recipe, cells: readonly SampleCell[]): number[] {
  return cells.map(({ siteIndex, classIndex }) => embeddingRow(recipe, siteIndex, classIndex));
}

/** Rounds of a run that are filmed. */
export function filmedRoundsOf(recipe: Recipe): number[] {
  return filmedRounds(recipe.rounds.count);
}

function sitesOf(recipe: Recipe, siteCount: number): number[] {
  return recipe.conditioning.site ? Array.from({ length: siteCount }, (_, index) => index) : [0];
}
