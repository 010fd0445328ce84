import { objectiveSchema, processSchema } from '@tributary/protocol/recipe-diffusion';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { SAMPLER_NAMES, SAMPLERS, samplerSettingsSchema } from '@tributary/protocol/samplers';
import { assertTrainableAtSites } from '@tributary/protocol/trainable-at-sites';
import { PHANTOM_LEVELS, SIGMA_DATA, type QualityCase } from '../quality-cases.js';
import { recipeInput, type QualityRecipeOptions } from '../quality-recipe.js';
import { samplingOf, type Sampling } from '../samplings.js';
import { choicesOf } from './schema-choices.js';

/** Every choice of process and objective that a run accepts whose weights are random at its start. */
export function acceptedCases(options: QualityRecipeOptions): QualityCase[] {
  const objectives = choicesOf(objectiveSchema);
  return choicesOf(processSchema, { sigmaData: SIGMA_DATA, levels: PHANTOM_LEVELS }).flatMap((process) =>
    objectives.flatMap((objective) => {
      const name = `${process.name}-${objective.name}`;
      const candidate = { ...recipeInput(options), name, process: process.values, objective: objective.values };
      const { data } = recipeSchema.safeParse(candidate);
      return data && isTrainable(data) ? [{ name, process: data.process, objective: data.objective }] : [];
    }),
  );
}

function isTrainable(recipe: Recipe): boolean {
  try {
    assertTrainableAtSites(recipe);
    return true;
  } catch {
    return false;
  }
}

/** How many steps a sampler makes: as many as for a good image, or as few as the recipe schema accepts. */
export const SWEEP_STEPS = ['usual', 'fewest'] as const;
export type SweepSteps = (typeof SWEEP_STEPS)[number];

/** Every choice of sampler, and of its settings that can be listed, that the recipe schema accepts with a process and objective. */
export function acceptedSamplings(
  { process, objective }: QualityCase,
  steps: SweepSteps,
  options: QualityRecipeOptions,
): Sampling[] {
  const settingsChoices = choicesOf(samplerSettingsSchema);
  return SAMPLER_NAMES.flatMap((sampler) => {
    const count = SAMPLERS[sampler][steps === 'usual' ? 'usualSteps' : 'fewestSteps'];
    const accepted = (settings: object): Sampling[] => {
      const evaluation = { sampler, steps: count, settings };
      const { data } = recipeSchema.safeParse({ ...recipeInput(options), process, objective, evaluation });
      return data ? [samplingOf(data.evaluation)] : [];
    };
    const chosen = settingsChoices.flatMap(({ values }) => accepted(values));
    return chosen.length > 0 ? chosen : accepted({});
  });
}
