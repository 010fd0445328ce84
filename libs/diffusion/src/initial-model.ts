import { embeddingRows, type Recipe } from '@tributary/protocol';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import { buildNetwork } from './network/build-network.js';
import type { Network } from './network/unet2d.js';

/**
 * Every parameter of a run's network, in the order of the flat weights.
 *
 * @param siteCount Sites of the run, fixed at its start.
 */
export function networkManifest(recipe: Recipe, siteCount: number): ParameterManifest {
  return networkOf(recipe, siteCount).manifest.map(({ name, shape }) => ({ name, shape: [...shape] }));
}

/**
 * The model that a run starts from: a function of the recipe's network and seed alone.
 *
 * This module loads TensorFlow.js. The coordinator therefore calls it in a child process of its own (a script that ends when
 * the file is written), never in the process that serves.
 */
export function initialModel(recipe: Recipe, siteCount: number): { manifest: ParameterManifest; weights: Float32Array } {
  return { manifest: networkManifest(recipe, siteCount), weights: networkOf(recipe, siteCount).initial(recipe.seed) };
}

function networkOf(recipe: Recipe, siteCount: number): Network {
  return buildNetwork(recipe.network, {
    imageSize: recipe.image.sizePx,
    channels: recipe.image.channels,
    classRows: embeddingRows(recipe, siteCount),
  });
}
