import { TributaryError } from './errors.js';
import type { Recipe } from './recipe.js';

/**
 * A site's reader gives images and volumes, but no second image that belongs to the first.
 *
 * @throws TributaryError RECIPE_INCOMPATIBLE for what the library can train but a site cannot read.
 */
export function assertTrainableAtSites({ conditioning }: Recipe): void {
  const fields = [
    ...(conditioning.image?.kind === 'given'
      ? [{ path: 'conditioning.image.kind', expected: 'low-resolution: sites read images without a second one' }]
      : []),
  ];
  if (fields.length === 0) return;
  const detail = fields.map(({ path, expected }) => `${path} must be ${expected}`).join('; ');
  throw new TributaryError('RECIPE_INCOMPATIBLE', { detail, fields });
}
