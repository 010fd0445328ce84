import type { PlannedCase, QualityCase } from '../quality-cases.js';
import { qualityRecipe, type QualityRecipeOptions } from '../quality-recipe.js';
import { acceptedCases, acceptedSamplings, type SweepSteps } from './accepted-recipes.js';
import { isSameTraining, trainingEssence, type TrainingEssence } from './same-training.js';

/**
 * Every combination that the recipe schema accepts: the distinct trainings, each with the names of those that train the same, and the
 * samplings that fit.
 */
export function sweepPlan(steps: SweepSteps, options: QualityRecipeOptions): PlannedCase[] {
  return distinctCases(acceptedCases(options), options).map((qualityCase) => ({
    qualityCase,
    samplings: acceptedSamplings(qualityCase, steps, options),
  }));
}

/** The first case of each training, with the names of the others. */
function distinctCases(cases: readonly QualityCase[], options: QualityRecipeOptions): QualityCase[] {
  const found: { readonly first: QualityCase; readonly alike: string[]; readonly essence: TrainingEssence }[] = [];
  for (const first of cases) {
    const essence = trainingEssence(qualityRecipe(first, options));
    const same = found.find((known) => isSameTraining(known.essence, essence));
    if (same) same.alike.push(first.name);
    else found.push({ first, alike: [], essence });
  }
  return found.map(({ first, alike }) => ({ ...first, alike }));
}

/** The first training of every process, then the second of every one: a sweep cut short has seen something of each. */
export function inRunOrder(plan: readonly PlannedCase[]): PlannedCase[] {
  const seen = new Map<string, number>();
  const ranked = plan.map((planned) => {
    const process = JSON.stringify(planned.qualityCase.process);
    const rank = seen.get(process) ?? 0;
    seen.set(process, rank + 1);
    return { planned, rank };
  });
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ planned }) => planned);
}
