import type { Recipe } from '@tributary/protocol/recipe';
import { imageShares, weightedMean } from '../combiners/weighted-mean.js';
import { serverSgd } from '../server-optimisers/sgd.js';
import type { Strategy } from './strategy.js';

/** The `strategy` part of a recipe. */
export type StrategyRecipe = Recipe['strategy'];

/** Builds the strategy that a recipe names. */
export function createStrategy(recipe: StrategyRecipe, _siteCount: number): Strategy {
  return {
    name: recipe.kind,
    combiner: weightedMean('image-weighted mean', imageShares),
    serverOptimiser: serverSgd(recipe.serverLearningRate),
    updateVectors: ['update'],
  };
}
