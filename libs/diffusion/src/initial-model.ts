import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { initialWeights, type Parameter } from './network/parameter.js';
import { unetConfig } from './network/unet-config.js';
import { unetParameters } from './network/unet-parameters.js';
import { unetStructure } from './network/unet-structure.js';

export { initialParameter, type Parameter } from './network/parameter.js';

/**
 * Name, shape and start of every parameter of a recipe's network, sorted by name. Loads no tensor library.
 *
 * @param siteCount Sites of the run; with conditioning by site they determine the rows of the class embedding.
 */
export function networkManifest(recipe: Recipe, siteCount: number): Parameter[] {
  const shape = {
    imageSize: recipe.image.sizePx,
    channels: recipe.image.channels,
    classRows: embeddingRows(recipe, siteCount),
  };
  return unetParameters(unetStructure(unetConfig(recipe.network, shape)));
}

/** The first global weights of a run as one flat vector in manifest order, from the recipe's seed. */
export function initialModel(
  recipe: Recipe,
  siteCount: number,
): { readonly manifest: Parameter[]; readonly weights: Float32Array } {
  const manifest = networkManifest(recipe, siteCount);
  return { manifest, weights: initialWeights(manifest, recipe.seed) };
}
