import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { smallRecipe } from '../recipe.spec-support.js';
import { drawDropoutMasks, dropoutSites } from './dropout.js';
import { unetConfig } from './unet-config.js';
import { unetStructure } from './unet-structure.js';

describe('dropout', () => {
  it('has a site of the right shape in every residual block', () => {
    const recipe = smallRecipe();
    const network = { ...recipe.network, resample: 'resnet' as const };
    const structure = unetStructure(unetConfig({ ...recipe, network }, 0));
    const shapes = Object.fromEntries(dropoutSites(structure).map(({ name, shape }) => [name, shape]));
    expect(shapes).toEqual({
      'down_blocks.0.resnets.0': [8, 8, 8],
      'down_blocks.0.downsamplers.0': [4, 4, 8],
      'down_blocks.1.resnets.0': [4, 4, 16],
      'mid_block.resnets.0': [4, 4, 16],
      'mid_block.resnets.1': [4, 4, 16],
      'up_blocks.0.resnets.0': [4, 4, 16],
      'up_blocks.0.resnets.1': [4, 4, 16],
      'up_blocks.0.upsamplers.0': [8, 8, 16],
      'up_blocks.1.resnets.0': [8, 8, 8],
      'up_blocks.1.resnets.1': [8, 8, 8],
    });
  });

  it('drops the given share and keeps the mean', () => {
    const sites = [{ name: 'a', shape: [16, 16, 8] as const }];
    const { a = new Float32Array() } = drawDropoutMasks(sites, { batchSize: 8, rate: 0.3 }, randomStream(1, 'masks'));
    const dropped = a.filter((value) => value === 0).length / a.length;
    const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
    // 16,384 draws: one standard deviation of the share is 0.0036, of the mean 0.0051.
    expect(Math.abs(dropped - 0.3)).toBeLessThan(0.015);
    expect(Math.abs(mean - 1)).toBeLessThan(0.02);
    expect(new Set(a)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });
});
