import { TributaryError } from './errors.js';
import type { Recipe } from './recipe.js';

/**
 * A site's reader gives images and volumes, but no second image that belongs to the first; and from random weights a network that
 * gives the noise itself is hardly trained to more than noise.
 *
 * @throws TributaryError RECIPE_INCOMPATIBLE for what the library can train but a run cannot.
 */
export function assertTrainableAtSites({ conditioning, objective, startFrom }: Recipe): void {
  const fields = [
    ...(conditioning.image?.kind === 'given'
      ? [{ path: 'conditioning.image.kind', expected: 'low-resolution: sites read images without a second one' }]
      : []),
    ...(objective.output === 'prediction' && startFrom === undefined
      ? [{ path: 'objective.output', expected: 'preconditioned, or startFrom must name a model that gives the noise' }]
      : []),
  ];
  if (fields.length === 0) return;
  const detail = fields.map(({ path, expected }) => `${path} must be ${expected}`).join('; ');
  throw new TributaryError('RECIPE_INCOMPATIBLE', { detail, fields });
}
