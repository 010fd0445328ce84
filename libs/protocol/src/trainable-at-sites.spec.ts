import { describe, expect, it } from '@jest/globals';
import { recipeSchema, type RecipeInput } from './recipe.js';
import { assertTrainableAtSites } from './trainable-at-sites.js';

const recipe: RecipeInput = {
  name: 'any',
  seed: 1,
  image: { sizePx: 16, channels: 1 },
  classes: ['any'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { image: { kind: 'low-resolution', factor: 4 } },
  network: { kind: 'unet2d', blockOutChannels: [8], attention: [false] },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3 },
  rounds: { count: 1, localSteps: 1, batchSize: 2, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'heun' },
};

describe('what sites can train', () => {
  it('are images and volumes, with conditions that are made of them', () => {
    expect(() => assertTrainableAtSites(recipeSchema.parse(recipe))).not.toThrow();
    const volumes = {
      image: { sizePx: 16, depthPx: 4, channels: 1 },
      network: { ...recipe.network, kind: 'unet3d' },
    } as const;
    expect(() => assertTrainableAtSites(recipeSchema.parse({ ...recipe, ...volumes }))).not.toThrow();
  });

  it.each([
    ['pairs of images', 'conditioning.image.kind', { conditioning: { image: { kind: 'given', channels: 1 } } }],
    [
      'networks whose output is the noise',
      'objective.output',
      { process: { kind: 'ddpm' }, objective: { prediction: 'epsilon', output: 'prediction' } },
    ],
  ] as const)('are no %s (%s)', (_name, path, changes) => {
    const asked = recipeSchema.parse({ ...recipe, evaluation: { sampler: 'ddim' }, ...changes });
    expect(() => assertTrainableAtSites(asked)).toThrow(expect.objectContaining({ code: 'RECIPE_INCOMPATIBLE' }));
    expect(() => assertTrainableAtSites(asked)).toThrow(path);
  });
});
