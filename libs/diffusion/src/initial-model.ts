import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import type { ReadableBytes } from '@tributary/safetensors';
import { matchStartingWeights, type StartingWeights } from './exchange/starting-weights.js';
import { initialParameter, initialWeights, type Parameter } from './network/parameter.js';
import { unetConfig } from './network/unet-config.js';
import { unetParameters } from './network/unet-parameters.js';
import { unetStructure } from './network/unet-structure.js';

/**
 * Name and shape of every parameter of a recipe's network, sorted by name. Loads no tensor library.
 *
 * @param siteCount Sites of the run; with conditioning by site they determine the rows of the class embedding.
 */
export function networkManifest(recipe: Recipe, siteCount: number): ParameterManifest {
  return withoutStart(parametersOf(recipe, siteCount));
}

/** The first global weights of a run as one flat vector in manifest order, from the recipe's seed. Loads no tensor library. */
export function initialModel(
  recipe: Recipe,
  siteCount: number,
): { readonly manifest: ParameterManifest; readonly weights: Float32Array } {
  const parameters = parametersOf(recipe, siteCount);
  return { manifest: withoutStart(parameters), weights: initialWeights(parameters, recipe.seed) };
}

/** The same weights, a parameter at a time in manifest order: a model larger than memory can be written. */
export function* initialParameters(recipe: Recipe, siteCount: number): Generator<Float32Array> {
  for (const parameter of parametersOf(recipe, siteCount)) yield initialParameter(parameter, recipe.seed);
}

/**
 * The first global weights of a run that goes on from another model.
 *
 * @param siteCount Undefined while it is not known; class rows are not looked at then.
 * @param bytes     The safetensors file that `recipe.startFrom` names.
 * @throws TributaryError START_MODEL_UNFIT, SAFETENSORS_INVALID, as `matchStartingWeights` does; in a run without rounds nothing
 *   may start afresh.
 */
export function startingWeights(
  recipe: Recipe,
  siteCount: number | undefined,
  bytes: ReadableBytes,
): Promise<StartingWeights> {
  const isWhole = siteCount !== undefined && recipe.rounds.count === 0;
  return matchStartingWeights(parametersOf(recipe, siteCount ?? 1), bytes, { seed: recipe.seed, isWhole });
}

function withoutStart(parameters: readonly Parameter[]): ParameterManifest {
  return parameters.map(({ name, shape }) => ({ name, shape: [...shape] }));
}

function parametersOf(recipe: Recipe, siteCount: number): Parameter[] {
  return unetParameters(unetStructure(unetConfig(recipe, embeddingRows(recipe, siteCount))));
}
