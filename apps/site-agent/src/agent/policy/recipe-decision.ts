import type { Policy, Recipe } from '@tributary/protocol';

export type RecipeDecision =
  | { readonly decision: 'approve' }
  | { readonly decision: 'decline'; readonly reason: string }
  | { readonly decision: 'ask' };

export interface RecipeFacts {
  readonly recipe: Recipe;
  /** Numbers in the network. */
  readonly parameters: number;
  /** True when a person at this site approved the recipe's hash. */
  readonly approvedByHand: boolean;
}

/**
 * What the site answers to a proposed recipe. The limits hold for approval by hand too: a person who wants more changes
 * the policy file, where the change is seen.
 */
export function decideRecipe(policy: Policy, { recipe, parameters, approvedByHand }: RecipeFacts): RecipeDecision {
  const { approval, limits } = policy.recipes;
  const broken = [
    recipe.rounds.count > limits.maxRounds && `recipes.limits.maxRounds is ${limits.maxRounds}`,
    recipe.rounds.localSteps > limits.maxLocalSteps && `recipes.limits.maxLocalSteps is ${limits.maxLocalSteps}`,
    parameters > limits.maxParameters && `recipes.limits.maxParameters is ${limits.maxParameters}`,
    recipe.rounds.batchSize * recipe.rounds.localSteps < limits.minImagesPerUpdate &&
      `recipes.limits.minImagesPerUpdate is ${limits.minImagesPerUpdate}`,
  ].find((rule) => rule !== false);
  if (broken !== undefined) return { decision: 'decline', reason: broken };
  return approval === 'standing' || approvedByHand ? { decision: 'approve' } : { decision: 'ask' };
}
