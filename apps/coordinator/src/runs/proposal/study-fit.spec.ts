import { describe, expect, it } from '@jest/globals';
import type { Study } from '@tributary/protocol';
import { buildRecipe } from '../../../../../test/factories/recipe.js';
import { assertFitsStudy } from './study-fit.js';

const recipe = buildRecipe();
const study: Study = {
  id: 'brains',
  title: 'Brains',
  modality: 'MR',
  classes: recipe.classes,
  scarceClasses: [],
  image: { sizePx: recipe.image.sizePx, channels: recipe.image.channels },
  createdAt: '2026-01-05T08:00:00Z',
};

describe('assertFitsStudy', () => {
  it('accepts a recipe of the classes and images of the study', () => {
    expect(() => assertFitsStudy(recipe, study)).not.toThrow();
  });

  it('names every field that is not the study’s, with what the study has', () => {
    const other: Study = { ...study, classes: recipe.classes.toReversed(), image: { sizePx: 32, channels: 3 } };
    expect(() => assertFitsStudy(recipe, other)).toThrow(
      expect.objectContaining({
        code: 'RECIPE_STUDY_MISMATCH',
        context: expect.objectContaining({
          fields: [
            { path: 'recipe.classes', expected: expect.stringContaining(other.classes.join(', ')) },
            { path: 'recipe.image.sizePx', expected: '32' },
            { path: 'recipe.image.channels', expected: '3' },
          ],
        }),
      }),
    );
  });
});
