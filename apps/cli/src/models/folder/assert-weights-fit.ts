import { TributaryError } from '@tributary/protocol/errors';
import type { Model } from './model-folder.js';

/**
 * Holds weights to the network that the recipe describes, tensor by tensor.
 *
 * @throws TributaryError MODEL_INVALID naming the first tensor that is missing, of another shape or unknown.
 */
export async function assertWeightsFit({ recipe, siteIds, weights }: Model): Promise<void> {
  const { networkManifest } = await import('@tributary/diffusion/initial-model');
  const found = new Map(weights.manifest.map(({ name, shape }) => [name, JSON.stringify(shape)]));
  for (const { name, shape } of networkManifest(recipe, siteIds.length)) {
    const wanted = JSON.stringify(shape);
    const actual = found.get(name);
    if (actual === undefined) throw unfit(`${name} is missing`);
    if (actual !== wanted) throw unfit(`${name} has the shape ${actual}, ${wanted} is wanted`);
    found.delete(name);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw unfit(`${extra} is no part of it`);
}

function unfit(detail: string): TributaryError {
  return new TributaryError('MODEL_INVALID', {
    detail: `the weights are not those of the recipe's network: ${detail}`,
  });
}
