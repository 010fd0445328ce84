import { learningRateAt, totalStepsOf } from '@tributary/protocol/learning-rate';
import type { Recipe } from '@tributary/protocol/recipe';
import type { AdamWStep } from '../server-optimisers/adamw.js';

/**
 * The step of the recipe's optimiser that the server takes in a round; undefined where the sites take the steps.
 *
 * @param roundIndex 0 for the first round.
 */
export function serverStep(recipe: Recipe, roundIndex: number): AdamWStep | undefined {
  if (recipe.strategy.kind !== 'fedsgd') return undefined;
  const { beta1, beta2, epsilon, weightDecay } = recipe.optimiser;
  const learningRate = learningRateAt(recipe.optimiser, roundIndex, totalStepsOf(recipe));
  return { learningRate, beta1, beta2, epsilon, weightDecay, step: roundIndex + 1 };
}
