import type { Recipe } from '@tributary/protocol';
import { createUNet2d, type Network } from './unet2d.js';
import { unetConfig, type NetworkShape } from './unet-config.js';

/**
 * The network of a recipe.
 *
 * @param shape `classRows` counts every row of the class embedding, the one for "no condition" included.
 */
export function buildNetwork(network: Recipe['network'], shape: NetworkShape): Network {
  return createUNet2d(unetConfig(network, shape));
}
