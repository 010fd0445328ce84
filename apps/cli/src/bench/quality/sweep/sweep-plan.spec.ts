import { describe, expect, it } from '@jest/globals';
import { recipeSchema } from '@tributary/protocol/recipe';
import { samplersFor } from '@tributary/protocol/samplers';
import { qualityRecipe, recipeInput } from '../quality-recipe.js';
import { acceptedCases, acceptedSamplings } from './accepted-recipes.js';
import { isSameTraining, trainingEssence } from './same-training.js';
import { inRunOrder, sweepPlan } from './sweep-plan.js';

const OPTIONS = { channels: '8,16', seed: 1, imageSize: 8, normGroups: 2, learningRate: 0.01, trainSteps: 10 };

const cases = acceptedCases(OPTIONS);
const plan = sweepPlan('usual', OPTIONS);

/** Every objective that can be written down, fitting or not. */
const OBJECTIVES = (['edm', 'epsilon', 'sample', 'velocity', 'score'] as const).flatMap((prediction) =>
  (['simple', 'likelihood', 'min-snr'] as const).flatMap((weighting) =>
    (['uniform', 'log-normal', 'importance'] as const).flatMap((timeSampling) =>
      (['preconditioned', 'prediction'] as const).flatMap((output) =>
        (['fixed', 'learned'] as const).map((variance) => ({
          prediction,
          weighting,
          timeSampling,
          output,
          variance,
          minSnrGamma: 5,
        })),
      ),
    ),
  ),
);

/** Whatever the order of their fields. */
function textOf(value: object | undefined): string {
  return JSON.stringify(Object.entries(value ?? {}).toSorted(([a], [b]) => a.localeCompare(b)));
}

function isAccepted(fields: object): boolean {
  return recipeSchema.safeParse({ ...recipeInput(OPTIONS), ...fields }).success;
}

describe('the sweep of what the recipe schema accepts', () => {
  it('has every accepted objective of every process and no refused one', () => {
    const processes = [...new Map(cases.map(({ process }) => [textOf(process), process])).values()];
    expect(processes.map(({ kind }) => kind)).toEqual([
      'edm',
      'ddpm',
      'ddpm',
      'ddpm',
      'ddpm',
      'vp',
      'sub-vp',
      've',
      'ncsn',
      'ncsn',
    ]);
    for (const process of processes) {
      const listed = cases.filter((each) => textOf(each.process) === textOf(process));
      const accepted = OBJECTIVES.filter((objective) => isAccepted({ process, objective })).filter(
        // Runs take the noise as raw output from another model only.
        ({ output }) => output === 'preconditioned',
      );
      expect(listed.map(({ objective }) => textOf(objective)).toSorted()).toEqual(accepted.map(textOf).toSorted());
    }
  });

  it('has names that differ, of recipes that are accepted, each in one training', () => {
    const names = plan.flatMap(({ qualityCase: { name, alike = [] } }) => [name, ...alike]);
    expect(names.toSorted()).toEqual(cases.map(({ name }) => name).toSorted());
    expect(new Set(names).size).toBe(names.length);
    for (const each of cases) expect(() => qualityRecipe(each, OPTIONS)).not.toThrow();
  });

  it('samples with every sampler that fits, with each corrector, and with nothing else', () => {
    for (const { qualityCase, samplings } of plan) {
      const { process, objective } = qualityCase;
      expect(new Set(samplings.map(({ sampler }) => sampler))).toEqual(new Set(samplersFor(process.kind)));
      const correctors = samplings.flatMap(({ settings }) => settings.corrector ?? []);
      expect(correctors).toEqual(process.kind === 'edm' ? [] : ['langevin', 'annealed', 'none']);
      for (const { sampler, steps, settings } of samplings) {
        expect(isAccepted({ process, objective, evaluation: { sampler, steps, settings } })).toBe(true);
      }
    }
  });

  it('has the fewest steps that are accepted: one less is refused', () => {
    for (const qualityCase of inRunOrder(plan)
      .slice(0, 10)
      .map((planned) => planned.qualityCase)) {
      for (const { sampler, steps, settings } of acceptedSamplings(qualityCase, 'fewest', OPTIONS)) {
        const { process, objective } = qualityCase;
        expect(isAccepted({ process, objective, evaluation: { sampler, steps: steps - 1, settings } })).toBe(false);
      }
    }
  });

  it('trains once what scores and noise name alike, and a time sampling that is left out means one that is listed', () => {
    const first = plan.find(({ qualityCase }) => qualityCase.name === 'vp-epsilon-uniform');
    expect(first?.qualityCase.alike).toEqual(['vp-score-uniform']);
    const essences = cases.map((each) => ({ ...each, essence: trainingEssence(qualityRecipe(each, OPTIONS)) }));
    for (const { process, objective } of essences) {
      const leftOut = { process, objective: { ...objective, timeSampling: undefined }, name: 'left out' };
      const essence = trainingEssence(qualityRecipe(leftOut, OPTIONS));
      const same = essences.filter((each) => isSameTraining(each.essence, essence));
      expect(same.map((each) => each.objective.prediction)).toContain(objective.prediction);
    }
  });

  it('begins with one training of every process', () => {
    const kinds = inRunOrder(plan).map(({ qualityCase }) => textOf(qualityCase.process));
    const different = new Set(kinds).size;
    expect(new Set(kinds.slice(0, different)).size).toBe(different);
    expect(kinds).toHaveLength(plan.length);
  });
});
