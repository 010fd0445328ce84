import { TributaryError, fieldsText, type Recipe, type Study } from '@tributary/protocol';

/** @throws TributaryError RECIPE_STUDY_MISMATCH with every field of the recipe that is not the study's. */
export function assertFitsStudy(recipe: Recipe, study: Study): void {
  const fields = [
    ...(recipe.classes.join('\n') === study.classes.join('\n')
      ? []
      : [{ path: 'recipe.classes', expected: `the study's classes: ${study.classes.join(', ')}` }]),
    ...(recipe.image.sizePx === study.image.sizePx
      ? []
      : [{ path: 'recipe.image.sizePx', expected: String(study.image.sizePx) }]),
    ...(recipe.image.channels === study.image.channels
      ? []
      : [{ path: 'recipe.image.channels', expected: String(study.image.channels) }]),
  ];
  if (fields.length === 0) return;
  throw new TributaryError('RECIPE_STUDY_MISMATCH', { detail: fieldsText(fields), fields });
}
