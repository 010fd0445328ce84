import { createUNet, type Network } from './unet.js';
import { unetConfig, type NetworkRecipe } from './unet-config.js';

/**
 * The network of a recipe.
 *
 * @param classRows Every row of the class embedding, the one for "no condition" included.
 */
export function buildNetwork(recipe: NetworkRecipe, classRows: number): Network {
  return createUNet(unetConfig(recipe, classRows));
}
